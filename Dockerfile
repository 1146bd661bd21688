# drbot in containers: target `bot` holds drbot alone, target `worker` also what it starts (docker, compose, restic, git) and the
# engine that a drill makes its own of.
# Where no registry answers, BASE is made of Debian's packages: docs/running.md.
ARG BASE=python:3.11-slim-trixie

FROM ${BASE} AS installed
WORKDIR /source
COPY requirements.lock ./
RUN python3 -m venv /opt/drbot && /opt/drbot/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /opt/drbot/bin/pip install --no-cache-dir --no-deps .

FROM ${BASE} AS bot
COPY --from=installed /opt/drbot /opt/drbot
RUN useradd --system --uid 10001 --home-dir /var/lib/drbot --create-home drbot
ENV PATH=/opt/drbot/bin:$PATH DRBOT_CONFIG=/etc/drbot/dr.yml DRBOT_HOME=/var/lib/drbot PYTHONUNBUFFERED=1
USER drbot
ENTRYPOINT ["drbot"]
CMD ["bot"]

FROM bot AS worker
USER root
RUN apt-get update && apt-get install -y --no-install-recommends docker.io docker-cli docker-compose git openssh-client restic \
    && rm -rf /var/lib/apt/lists/*
CMD ["worker"]
