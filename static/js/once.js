// A double press sends a form once. The server knows it as well (labeling/web/once.py); here the first answer is waited for.
(() => {
  "use strict";
  const AGAIN = 5000; // milliseconds after which one may try again: the line may have been cut
  const sent = new WeakMap();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.elements.once) return;
    if (event.timeStamp - (sent.get(form) ?? -Infinity) < AGAIN) event.preventDefault();
    else sent.set(form, event.timeStamp);
  });

  window.addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => sent.delete(form)));
})();
