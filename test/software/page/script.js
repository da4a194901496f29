// @ts-nocheck: it runs in the browser, whose globals the rest of the program must not see.
/**
 * `?fetches=N&hosts=H` makes it fetch N things besides, from H addresses of this machine: a browser keeps few connections to
 * each. `?frames=N` makes it show N pages like itself. When all has come it says so, on the console or to the page around it.
 */
const parameters = new URLSearchParams(location.search);

/** As many numbers as a parameter says. */
const numbers = (name) => Array.from({ length: Number(parameters.get(name) ?? 0) }, (_, index) => index);

async function get(url, options) {
  const response = await fetch(url, { cache: "no-store", ...options });
  await response.arrayBuffer();
}

/** From other origins, each at once; every tenth asks before whether it may. */
function getFromOthers() {
  const pending = numbers("fetches");
  const getNext = async (host) => {
    for (let index = pending.pop(); index !== undefined; index = pending.pop())
      await get(`http://${host}/small/${index}`, index % 10 === 0 ? { headers: { "X-Number": String(index) } } : {});
  };
  const hosts = numbers("hosts").map((index) => `127.0.0.${2 + index}:${location.port}`);
  // A browser has no more than six connections to a host.
  return Promise.all(hosts.flatMap((host) => Array.from({ length: 6 }, () => getNext(host))));
}

function show(index) {
  const frame = document.createElement("iframe");
  frame.src = `index.html?frame=${index}`;
  document.body.append(frame);
  return new Promise((resolve) => {
    addEventListener("message", ({ source }) => {
      if (source === frame.contentWindow) resolve(undefined);
    });
  });
}

const loaded = new Promise((resolve) => {
  addEventListener("load", resolve);
});
await Promise.all([
  loaded,
  ...numbers("frames").map(show),
  getFromOthers(),
  get("/app/upload/1", { method: "POST", body: "x".repeat(100_000) }),
  get("/app/chunked/1"),
  get("/files/text.txt"),
  get("/files/1m.bin", { headers: { Range: "bytes=5-99" } }),
]);
if (parent === window) console.log("all has come");
else parent.postMessage("all has come", "*");
