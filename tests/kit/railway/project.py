"""The smallest project that can be deployed to the stand-in: what `offhook init` writes, in short."""

PROJECT = {
    "Dockerfile": 'FROM python:3.13-slim\nENV PYTHONUNBUFFERED=1\nWORKDIR /app\nCOPY . .\n'
    'CMD ["python", "-m", "offhook", "serve"]\n',
    "offhook.toml": '[agent]\ngreeting = "Hello, this is the deployed agent."\n',
}  # fmt: skip
