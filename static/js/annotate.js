// One card at a time: a press shows the next card at once, the answer travels behind it.
(() => {
  "use strict";
  const { state, note, hush } = Concord;
  const main = () => document.getElementById("main");
  const held = () => document.getElementById("pace").dataset.held.split(" ");
  const gone = new Map(); // cards that left the screen, by task, until the server has their answer
  const TWICE = 150; // milliseconds
  let busy = false; // an undo is under way; its answer decides what comes next
  let missed = null;

  const outbox = new Concord.Outbox(main().dataset.name, { state, saved, refused, shut, have });
  const deck = new Concord.Deck(outbox);

  function hold(on) {
    busy = on;
    deck.busy(on);
  }

  // An undo still on its way decides what comes next, whatever is told before it.
  function release() {
    hold(outbox.has(""));
  }

  // What the page has, so that it is not sent again: the cards here, and those whose answer is on its way.
  function have(item) {
    const here = deck.cards.map((one) => one.dataset.card);
    const away = outbox.items.filter((one) => one.id && one !== item).map((one) => one.id);
    return [...here, ...away].join(" ");
  }

  function told(html, sent) {
    const whole = deck.apply(html, sent, busy);
    release();
    if (!whole) refresh();
  }

  async function refresh() {
    const sent = Date.now();
    try {
      const response = await fetch(`${main().dataset.url}?have=${encodeURIComponent(have())}`, { headers: { "HX-Request": "true" } });
      if (response.ok && !response.redirected) told(await response.text(), sent);
    } catch {
      outbox.lose();
    }
  }

  function saved(item, html) {
    gone.delete(item.id);
    told(html, item.sent);
    if (!Concord.listens()) htmx.trigger(document.body, "live-queue"); // nobody will nudge this page
  }

  function refused(item, html, reason) {
    const back = gone.get(item.id);
    gone.delete(item.id);
    deck.forget(item.id);
    state("bad", 0, item.words);
    if (html && back?.matches("[data-kind]:has([data-send])")) deck.comeBack(back); // with all that is chosen on it
    if (html) return told(html, item.sent);
    if (back) deck.comeBack(back);
    else if (!busy) refresh();
    release();
    const again = back && (back.querySelector("[data-send]") ?? [...back.querySelectorAll("[data-words]")].find((one) => one.dataset.words === item.words));
    const act = again && (() => !busy && back.isConnected && answer(back, again)); // wanted, however soon it comes
    note(`Not saved: ${item.words}.`, reason, { bad: true, words: "Try again", act });
  }

  function shut(item) {
    state("bad", 0, item.words);
    const detail = "Your answers are kept here and sent once you are back.";
    note("You are signed out.", detail, { bad: true, words: "Sign in", act: () => location.reload() });
  }

  function answer(form, button) {
    const fields = [...new FormData(form, button)].filter(([name]) => name !== "csrfmiddlewaretoken");
    fields.push(["seconds", deck.secondsShown.toFixed(1)]);
    const item = { id: form.dataset.card, key: form.elements.key.value, words: Concord.wordsOf(form, button) };
    gone.set(item.id, form);
    hush();
    outbox.add({ ...item, url: form.action, fields });
    deck.next(item, form.hasAttribute("data-back"));
  }

  // What is on its way already is taken back once the server has it.
  function undo() {
    const { id, words } = deck.undoable;
    const item = outbox.takeBack(id);
    if (item && gone.has(item.id)) return deck.comeBack(gone.get(item.id));
    if (outbox.away) return note("Undo needs the line.", "It works again once the answers kept here are sent.");
    hush();
    hold(true);
    deck.forget(id);
    deck.left.add(id);
    const fields = [["target", id]];
    outbox.add({ id: "", after: id, key: `undo-${id}`, url: main().dataset.undo, fields, words: `undo of ${words}` }, false);
  }

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!event.target.matches("#place form") || !button) return;
    event.preventDefault();
    if (busy || 1000 * deck.secondsShown < TWICE) return; // nobody has read it yet: the second half of a double press
    if (button.dataset.do === "undo") Concord.kindOf(event.target).undo?.(event.target) || undo();
    else if (!button.matches("[data-answers]") || !Concord.partsWait(event.target)) answer(event.target, button);
  });

  document.addEventListener("card-changed", () => deck.nameUndo());

  // The queue moved, or an earlier answer was opened: see, twice, whether the card on the screen still counts.
  document.addEventListener("htmx:afterSettle", () => {
    outbox.rest();
    if (!main().dataset.ready) deck.adopt(true);
    const now = deck.card;
    deck.stock = deck.stock.filter((one) => held().includes(one.dataset.card));
    const counts = !now || busy || deck.looksBack || held().includes(now.dataset.card);
    if (!counts && !now.hasAttribute("data-begun")) return Concord.idle() ? null : refresh(); // nobody worked on it
    const seen = missed === now;
    missed = counts ? null : now;
    if (counts || document.querySelector("#notes .note")) return;
    if (!seen) setTimeout(() => htmx.trigger(document.body, "live-queue"), 200);
    else note("This one is settled by now.", "An answer would be kept as an extra opinion.", { words: "Go on", act: goOn });
  });
  document.addEventListener("htmx:sendError", () => outbox.lose());

  function goOn() {
    hush();
    deck.card?.remove();
    refresh();
  }

  addEventListener("pageshow", (event) => event.persisted && refresh());
  Concord.atDesk({ cards: () => deck.cards, rested: () => (deck.stock = []), woken: refresh });
  deck.adopt(false);
  outbox.send();
  refresh();
})();
