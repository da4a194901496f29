import { withChildren } from "../../software/servers/server.ts";
import { Child } from "./child.ts";
import { temporaryFolder } from "./nginx.ts";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
  "--no-first-run",
  "--remote-debugging-port=0",
];

interface Answer {
  id?: number;
  method?: string;
  params?: { type: string; args: { value?: unknown }[] };
  result?: { sessionId?: string; targetId?: string; result?: { value?: unknown }; exceptionDetails?: { text: string } };
  error?: { message: string };
}

/** One tab of a headless Chromium, driven by https://chromedevtools.github.io/devtools-protocol/. */
export class Browser {
  /** What the page has written to its console, one argument each time. */
  readonly said: string[] = [];
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, (answer: Answer) => void>();
  readonly #watchers: (() => void)[] = [];
  #sessionId: string | undefined;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(String(data)));
  }

  /** Resolves when the page has been loaded. */
  static async open(url: string): Promise<Browser> {
    const folder = temporaryFolder();
    const command = ["chromium", ...FLAGS, `--user-data-dir=${folder}`, "about:blank"];
    const child = new Child(withChildren(command), { HOME: folder });
    const [, endpoint = ""] = await child.match(/DevTools listening on (ws:\S+)/);
    const socket = new WebSocket(endpoint);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const browser = new Browser(socket);
    const { targetId } = await browser.#call("Target.createTarget", { url });
    const { sessionId } = await browser.#call("Target.attachToTarget", { targetId, flatten: true });
    browser.#sessionId = sessionId;
    await browser.#call("Runtime.enable", {});
    while ((await browser.evaluate("document.readyState + location.href")) !== `complete${url}`);
    return browser;
  }

  /** The value of an expression in the page, awaited if it is a promise. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return result?.value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string): Promise<void> {
    while ((await this.evaluate(expression)) !== true);
  }

  /** Waits until the page has said something. */
  async saying(isSaid: () => boolean): Promise<void> {
    while (!isSaid()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #call(method: string, params: object): Promise<NonNullable<Answer["result"]>> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#sessionId }));
    return new Promise((resolve, reject) => {
      this.#pending.set(id, ({ result, error }) => {
        if (result !== undefined) resolve(result);
        else reject(new Error(`${method}: ${error?.message}`));
      });
    });
  }

  #hear(answer: Answer): void {
    if (answer.id !== undefined) this.#pending.get(answer.id)?.(answer);
    if (answer.method !== "Runtime.consoleAPICalled") return;
    this.said.push(String(answer.params?.args[0]?.value));
    for (const wake of this.#watchers.splice(0)) wake();
  }
}
