"""What `offhook init` writes: a project that an owner can push. Files and a wheel; no questions, no network."""
