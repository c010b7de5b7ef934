# One image for all processes; which one it is, says the command. Builds helm and kube-score from the same pinned
# sources as everything else here does: see tools/toolbox.py.

FROM golang:1.26.8-bookworm AS go

FROM python:3.11.13-slim-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY --from=go /usr/local/go /usr/local/go
ENV PATH=/venv/bin:/usr/local/go/bin:$PATH DEPLOY_GATEWAY_CACHE=/tools
RUN python -m venv /venv
WORKDIR /source
COPY requirements-production.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements-production.lock
COPY . .
RUN pip install --no-cache-dir --no-deps . && deploy-gateway tools install helm kube-score

FROM python:3.11.13-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends git util-linux && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home gateway
COPY --from=build /venv /venv
COPY --from=build /tools/tools /tools/tools
ENV PATH=/venv/bin:$PATH DEPLOY_GATEWAY_CACHE=/tools DEPLOY_GATEWAY_CONFIG=/etc/deploy-gateway/gateway.yaml PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /home/gateway
ENTRYPOINT ["deploy-gateway"]
CMD ["serve", "--host", "0.0.0.0"]
