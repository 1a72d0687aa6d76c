// Moments stand on the page by the server's clock, its time zone named; here they become the viewer's own.
(() => {
  "use strict";
  const day = { day: "numeric", month: "short" };
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const second = { second: "2-digit" };
  const forms = {
    "": { ...day, ...clock },
    seconds: { ...day, ...clock, ...second },
    year: { ...day, year: "numeric", ...clock },
    clock,
    "clock-seconds": { ...clock, ...second },
  };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  function tell(time) {
    const when = new Date(time.dateTime);
    const form = forms[time.dataset.local];
    if (!form || Number.isNaN(when.getTime())) return;
    time.textContent = new Intl.DateTimeFormat("en-GB", form).format(when);
    time.title = zone;
    delete time.dataset.local; // once; who moves a moment later writes it in the viewer's time
  }

  const tellAll = () => document.querySelectorAll("time[data-local]").forEach(tell);
  tellAll();
  new MutationObserver(tellAll).observe(document.body, { childList: true, subtree: true }); // parts, cards, notes
})();
