# This repository as it stands, on every platform that takes a Dockerfile. An owner's project has its own: `offhook init`.
FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 PYTHONFAULTHANDLER=1 PYTHONDONTWRITEBYTECODE=1
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements.txt ./
RUN pip install --require-hashes --only-binary :all: -r requirements.txt
# offhook is not built but run from its source, so that nothing is fetched that is not pinned above.
ENV PYTHONPATH=src
COPY . .
USER 10001
# One process, and it is Python: it hears the platform's stop signal. It reads PORT itself.
CMD ["python", "-m", "offhook", "serve"]
