// One card at a time: a press shows the next card at once, the answer travels behind it.
(() => {
  "use strict";
  const { state, note, hush } = Concord;
  const main = () => document.getElementById("main");
  const held = () => document.getElementById("pace").dataset.held.split(" ");
  const gone = new Map(); // cards that left the screen, by task, until the server has their answer
  let busy = false; // an undo is under way; its answer decides what comes next
  let missed = null;

  const outbox = new Concord.Outbox(main().dataset.name, { state, saved, refused, shut });
  const deck = new Concord.Deck(outbox);

  function hold(on) {
    busy = on;
    deck.busy(on);
  }

  // An undo still on its way decides what comes next, whatever is told before it.
  function release() {
    hold(outbox.has(""));
  }

  function told(html) {
    deck.apply(html, busy);
    release();
  }

  async function refresh() {
    try {
      const response = await fetch(main().dataset.url, { headers: { "HX-Request": "true" } });
      if (response.ok && !response.redirected) told(await response.text());
    } catch {
      outbox.lose();
    }
  }

  function saved(item, html) {
    gone.delete(item.id);
    told(html);
    if (!Concord.listens()) htmx.trigger(document.body, "live-queue"); // nobody will nudge this page
  }

  function refused(item, html, reason) {
    const back = gone.get(item.id);
    gone.delete(item.id);
    state("bad", 0, item.words);
    if (html) return told(html);
    if (back) deck.comeBack(back);
    else if (!busy) refresh();
    release();
    const again = back && [...back.querySelectorAll("[data-words]")].find((one) => one.dataset.words === item.words);
    note(`Not saved: ${item.words}.`, reason, { bad: true, words: "Try again", act: again && (() => again.click()) });
  }

  function shut(item) {
    state("bad", 0, item.words);
    const detail = "Your answers are kept here and sent once you are back.";
    note("You are signed out.", detail, { bad: true, words: "Sign in", act: () => location.reload() });
  }

  function answer(form, button) {
    const fields = [...new FormData(form, button)].filter(([name]) => name !== "csrfmiddlewaretoken");
    fields.push(["seconds", deck.secondsShown.toFixed(1)]);
    const item = { id: form.dataset.card, key: form.elements.key.value, words: button.dataset.words };
    gone.set(item.id, form);
    hush();
    outbox.add({ ...item, url: form.action, fields });
    deck.next();
  }

  function undo() {
    const item = outbox.takeBack();
    if (item && gone.has(item.id)) return deck.comeBack(gone.get(item.id));
    if (outbox.away) return note("Undo needs the line.", "It works again once the answers kept here are sent.");
    const { id, words } = deck.undoable;
    hush();
    hold(true);
    const fields = [["target", id]];
    outbox.add({ id: "", key: `undo-${id}`, url: main().dataset.undo, fields, words: `undo of ${words}` }, false);
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!event.target.matches("#place form") || !button) return;
    event.preventDefault();
    if (busy) return;
    if (button.dataset.do === "undo") undo();
    else answer(event.target, button);
  });

  // The queue moved, or an earlier answer was opened: see, twice, whether the card on the screen still counts.
  document.addEventListener("htmx:afterSettle", () => {
    outbox.rest();
    if (!main().dataset.ready) deck.adopt(true);
    const now = deck.card;
    const counts = !now || busy || deck.looksBack || held().includes(now.dataset.card);
    const seen = missed === now;
    missed = counts ? null : now;
    if (counts || document.querySelector("#notes .note")) return;
    if (!seen) setTimeout(() => htmx.trigger(document.body, "live-queue"), 200);
    else note("This one is settled by now.", "An answer would be kept as an extra opinion.", { words: "Go on", act: goOn });
  });
  document.addEventListener("htmx:sendError", () => outbox.lose());

  function goOn() {
    deck.card?.remove();
    refresh();
  }

  addEventListener("pageshow", (event) => event.persisted && refresh());
  addEventListener("pagehide", () => {
    const [card] = deck.stock.splice(0);
    if (!card) return;
    const fields = new FormData(card);
    fields.set("act", "release");
    navigator.sendBeacon(card.getAttribute("action"), fields);
  });
  deck.adopt(false);
  outbox.send();
  refresh();
})();
