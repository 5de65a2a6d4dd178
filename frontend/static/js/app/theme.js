// The switch works as a plain form; with script it changes at once and tells the server behind.
import { csrfToken } from "app/http";
import { word } from "app/words";

const root = document.documentElement;
const YEAR = 365 * 24 * 3600;
const other = (theme) => (theme === "light" ? "dark" : "light");

/** The value of a design token, as the canvas of a chart needs it. */
export const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form) return;
  event.preventDefault();
  const theme = other(root.dataset.theme);
  root.dataset.theme = theme;
  document.cookie = `${form.dataset.themeForm}=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
  const button = form.querySelector("button");
  button.value = other(theme);
  button.setAttribute("aria-label", word(`theme_${other(theme)}`));
  dispatchEvent(new CustomEvent("themechange", { detail: { theme } }));
  fetch(form.action, {
    method: "POST",
    body: new URLSearchParams({ theme, next: "/" }),
    headers: { "X-CSRFToken": csrfToken() },
    redirect: "manual",
    keepalive: true,
  }).catch(() => {}); // The look and the cookie have changed already; only the account does not know.
});
