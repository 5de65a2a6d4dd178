// Requests to our own hub: CSRF proof on each, and errors as sentences.
import { takesFocus } from "app/focus";
import { toast } from "app/toast";
import { word } from "app/words";

// Signing in makes a new proof, perhaps in another tab; the cookie has it, the page the old one.
export const csrfToken = () => /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1] ?? document.documentElement.dataset.csrf ?? "";

document.addEventListener("submit", (event) => {
  const proof = event.target.elements.namedItem("csrfmiddlewaretoken");
  if (proof) proof.value = csrfToken();
}, true);

/** An answer that was not 2xx, with the hub's own sentence in `message`. */
export class RequestError extends Error {
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

async function failure(response) {
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const body = isJson ? await response.json().catch(() => null) : null;
  const said = body?.detail ?? body?.message ?? body?.error?.message ?? body?.error;
  return new RequestError(response.status, typeof said === "string" ? said : word("no_answer"), body);
}

/** Send JSON (or FormData) and return the JSON answer, if there is one. */
export async function send(url, { method = "POST", body, signal, keepalive = false } = {}) {
  const isForm = body instanceof FormData || body instanceof URLSearchParams;
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken() };
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, {
      method, headers, signal, keepalive, credentials: "same-origin",
      body: body === undefined || isForm ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(0, word("no_answer"), null);
  }
  if (!response.ok) throw await failure(response);
  return response.headers.get("Content-Type")?.includes("json") ? response.json() : null;
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = csrfToken();
});

/** A tab of its own: what is typed on this page stays. */
function signIn() {
  const { login } = document.documentElement.dataset;
  open(`${login}?next=${encodeURIComponent(location.pathname + location.search)}`, "_blank", "noopener");
}

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const isSaid = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
  if (xhr.status === 401) toast(word("signed_out"), { kind: "danger", signIn });
  else toast((isSaid && xhr.responseText) || word("no_answer"), { kind: "danger" });
});

document.addEventListener("htmx:sendError", () => toast(word("no_answer"), { kind: "danger" }));

// The server sends its messages along with a partial in the HX-Trigger header.
document.addEventListener("app:toasts", ({ target, detail }) => {
  const parts = partsOf(target);
  for (const { text, kind, undo_url: undoUrl } of detail.toasts) {
    toast(text, { kind, undo: undoUrl ? () => undo(undoUrl, parts) : undefined });
  }
});

/** What the form that was sent draws anew, and what it said: undoing does the same. */
function partsOf(form) {
  const select = form.matches("form") && form.getAttribute("hx-select");
  if (!select) return null;
  const headers = JSON.parse(form.getAttribute("hx-headers"));
  const values = Object.fromEntries(new FormData(form));
  return { target: select, select, selectOOB: form.getAttribute("hx-select-oob"), swap: "outerHTML", headers, values };
}

async function undo(url, parts) {
  if (parts) {
    await globalThis.htmx.ajax("POST", url, parts);
    if (document.activeElement === document.body) takesFocus(document.querySelector(parts.target));
    return;
  }
  try {
    await send(url);
    location.reload();
  } catch (error) {
    toast(error.message, { kind: "danger" });
  }
}
