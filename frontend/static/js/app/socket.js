// Live data. The page is complete when it loads; the socket only adds. Messages are numbered ("sequence"):
// doubles are dropped, and after a gap the connection is made anew from the last number, so nothing is missed.
import { word } from "app/words";

const FIRST_WAIT = 1;
const LONGEST_WAIT = 30;
const PATIENCE = 12; // failed attempts before the page says that updates are paused
const QUIET = 20; // seconds without a word before the page asks whether anybody is there
const ANSWER = 10; // seconds in which something has to be heard then
const SIGNED_OUT = 4401;
const FINAL_CODES = new Set([4400, SIGNED_OUT, 4403, 4404, 4410]);

export class LiveSocket {
  #path; #onMessage; #onState; #socket = null; #timer = 0; #silence = 0; #failures = 0; #isClosed = false;

  /** path: "/ws/jobs/…/"; after: number of the last message that the page already shows. */
  constructor(path, { after = 0, onMessage, onState = () => {} }) {
    this.#path = path;
    this.after = after;
    this.#onMessage = onMessage;
    this.#onState = onState;
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#letGo());
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    this.#connect();
  }

  /** Stop for good, such as when the run is over. */
  close() {
    this.#isClosed = true;
    this.#drop();
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    if (this.#isClosed) return;
    this.#drop();
    this.#onState("connecting", 0);
    const url = new URL(this.#path, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("after", this.after);
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#failures = 0;
      this.#onState("open", 0);
      this.#heard();
    });
    socket.addEventListener("message", (event) => {
      if (this.#socket === socket) this.#heard();
      this.#receive(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => this.#socket === socket && this.#lost(event.code));
  }

  /** Whoever has gone without closing the line, as a network that was changed, answers no question. */
  #heard() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.send({ kind: "ping" });
      this.#silence = setTimeout(() => this.#letGo(), ANSWER * 1000);
    }, QUIET * 1000);
  }

  #receive(message) {
    if (message.kind === "pong") return;
    const { sequence } = message;
    if (typeof sequence === "number") {
      if (sequence <= this.after) return;
      if (sequence > this.after + 1 && this.after > 0 && !message.replayed) {
        this.#connect();
        return;
      }
      this.after = sequence;
    }
    this.#onMessage(message);
  }

  #lost(code) {
    this.#socket = null;
    clearTimeout(this.#silence);
    if (this.#isClosed) return;
    this.#failures += 1;
    if (FINAL_CODES.has(code) || this.#failures > PATIENCE) {
      this.#isClosed = true;
      this.#onState(code === SIGNED_OUT ? "signed_out" : "closed", 0);
      return;
    }
    this.#countDown(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.#failures - 1)));
  }

  #countDown(seconds) {
    if (seconds <= 0) {
      this.#connect();
      return;
    }
    this.#onState("retry", seconds);
    this.#timer = setTimeout(() => this.#countDown(seconds - 1), 1000);
  }

  /** The line is known to be away: a socket would look open until its time runs out. */
  #letGo() {
    if (!this.#socket) return;
    this.#drop();
    this.#lost(0);
  }

  #hurry() {
    if (!this.#socket && !this.#isClosed) this.#connect();
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

/** Shows the state in an element such as <span class="conn stat"><span class="dot"></span><span></span></span>. */
export function showState(element) {
  const words = {
    open: () => word("live"),
    connecting: () => word("connecting"),
    retry: (seconds) => word("reconnecting", { seconds }),
    closed: () => word("paused"),
    signed_out: () => word("signed_out"),
  };
  return (state, seconds) => {
    if (!element) return;
    element.ariaLive = element.dataset.state === state ? "off" : "polite"; // a countdown is read out once
    element.dataset.state = state;
    element.lastElementChild.textContent = words[state](seconds);
  };
}
