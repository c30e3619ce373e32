using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [ (name = "main", worker = .worker) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ]
);

const worker :Workerd.Worker = (
  modules = [
    (name = "worker-cloudflare.js", esModule = embed "edge/worker-cloudflare.js"),
    (name = "vecstore.simd.wasm", wasm = embed "edge/vecstore.simd.wasm"),
    (name = "vecstore.relaxed.wasm", wasm = embed "edge/vecstore.relaxed.wasm"),
    (name = "vecstore.more.wasm", wasm = embed "edge/vecstore.more.wasm")
  ],
  compatibilityDate = "2026-07-01"
);
