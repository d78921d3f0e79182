# syntax=docker/dockerfile:1
# Two stages: wheels are collected in the first, so no compiler and no cache of pip is left in the second.
FROM python:3.11-slim-bookworm AS wheels
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --only-binary :all: -r requirements.txt

# A slim image with glibc: the wheels of psycopg2, granian and the embedded PostgreSQL are built against it.
FROM python:3.11-slim-bookworm
RUN useradd --system --create-home --home-dir /srv/counterfoil --shell /usr/sbin/nologin counterfoil
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    FLASK_APP=wsgi \
    PORT=4242 \
    INSTANCE_DIR=/srv/counterfoil/instance
COPY --from=wheels /venv /venv
WORKDIR /srv/counterfoil
COPY --chown=root:root wsgi.py ./
COPY --chown=root:root app app
COPY --chown=root:root jobs jobs
COPY --chown=root:root migrations migrations
COPY --chown=root:root static static
COPY --chown=root:root templates templates
RUN install -d -o counterfoil -m 0700 instance
USER counterfoil
VOLUME /srv/counterfoil/instance
EXPOSE 4242
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=2)"]
# The same image runs every process: `flask db upgrade` once per release, `flask jobs worker`, `flask jobs clock`.
CMD ["sh", "-c", "exec granian --interface wsgi --host 0.0.0.0 --port \"$PORT\" --workers \"${WEB_CONCURRENCY:-2}\" --blocking-threads 128 --respawn-failed-workers --http 1 --no-ws wsgi:app"]
