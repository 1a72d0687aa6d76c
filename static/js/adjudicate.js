// A case: the digit picks, enter settles; what the pick means for others is said before it is sent.
(() => {
  "use strict";
  const { note, paintKeys, kindOf, wordsOf, cardReady } = Concord;
  const card = () => document.querySelector("#main form[data-kind]");
  const seen = () => document.getElementById("seen");

  function told(radio) {
    document.querySelector(".settle .btn.main span").textContent = `Settle as ${radio.dataset.brief}`;
    const names = radio.dataset.overruled;
    seen().textContent = names ? `${names}, will see your reason.` : "Nobody is overruled by this.";
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches(".case input")) told(event.target);
    else if (event.target.matches(".picks input")) names(event.target.form);
  });

  // What the button would settle, where an answer is more than one press.
  function names(form) {
    const button = form.querySelector(".settle [data-send]");
    if (!button) return;
    const words = !kindOf(form).empty?.(form) && wordsOf(form, button);
    button.querySelector("span").textContent = words ? `Settle as ${words}` : "Settle";
  }

  document.addEventListener("card-changed", (event) => names(event.target));

  // A voter's answer to begin with.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-take]");
    if (!link || !kindOf(card()).take) return;
    event.preventDefault();
    kindOf(card()).take(card(), JSON.parse(link.dataset.take));
    names(card());
    document.querySelector("#main h1")?.focus({ preventScroll: true }); // enter settles, it does not take once more
  });

  // Nothing chosen: said above the work, without a frame around a row that nobody chose.
  document.addEventListener("invalid", (event) => {
    if (!event.target.matches(".case input, .picks input")) return;
    event.preventDefault();
    note("Nothing is chosen yet.", "Press the digit of the label that is right, then enter.");
    scrollTo(0, 0);
  }, true);

  // A refusal is shown like any other answer of the server; a lost line leaves the case as it is.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if ([400, 409].includes(event.detail.xhr.status)) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:responseError", (event) => {
    if ([400, 409].includes(event.detail.xhr.status)) return;
    failed(`The server had a fault (${event.detail.xhr.status}).`);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (event.detail.requestConfig.verb === "post") failed("The line is lost; your choice and your words stay here.");
  });

  document.addEventListener("signed-out", (event) => {
    if (event.detail.requestConfig.verb === "post") failed("You are signed out. Sign in in another window, then try again.");
  });

  cardReady(card());

  function failed(reason) {
    const again = () => document.querySelector(".settle .btn.main")?.click();
    note("Not saved.", reason, { bad: true, words: "Try again", act: again });
    scrollTo(0, 0);
  }

  Concord.atDesk({ woken: () => htmx.trigger(document.body, "live-queue") });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "main" && event.target.id !== "main") return;
    paintKeys();
    cardReady(card());
    const heading = document.querySelector("#main h1");
    if (document.querySelector("#main form")) heading?.focus({ preventScroll: true });
    scrollTo(0, 0);
  });
})();
