# docker build --tag mcp-plumb .
# docker run --rm --network host mcp-plumb check http://127.0.0.1:3000/mcp
#
# --start does not work in this image, because it holds no shell: start the server beside it and give --wait.

FROM rust:1.91-slim-bookworm AS build
# The TLS library is built from C and assembly.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends cmake g++ make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo install --path . --locked --root /installed

# glibc, certificates of the public authorities, a user that is not root, and nothing else.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /installed/bin/mcp-plumb /usr/local/bin/mcp-plumb
# Reports and mcp-plumb.toml: --volume "$PWD:/work"
WORKDIR /work
ENTRYPOINT ["/usr/local/bin/mcp-plumb"]
CMD ["--help"]
