// Any number of labels: digits and letters toggle, enter sends. Of many, those chosen stand together above the rest.
(() => {
  "use strict";
  const { kinds, cardSaid, cardChanged } = Concord;
  const boxes = (form) => [...form.querySelectorAll("[name$=chosen]")];
  const chosen = (form) => boxes(form).filter((box) => box.checked);
  const NAMED = 3;

  // As the server says it: the first labels, and how many more there are.
  function words(form, button) {
    const names = chosen(form).map((box) => box.dataset.words);
    if (!names.length) return button.dataset.words;
    const more = names.length - NAMED;
    return more > 1 ? `${names.slice(0, NAMED).join(", ")} and ${more} more` : names.join(", ");
  }

  function told(form) {
    const names = chosen(form).map((box) => box.dataset.words);
    cardSaid(form, names.length ? `${names.length} chosen: ${names.join(", ")}` : "");
    cardChanged(form);
  }

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-kind]");
    if (event.target.name?.endsWith("chosen") && form?.dataset.kind === "choices") told(form);
  });

  function take(form, keys) {
    boxes(form).forEach((box) => (box.checked = keys.includes(Number(box.value))));
    told(form);
  }

  kinds.choices = { take, ready: told, words, empty: (form) => chosen(form).length === 0 };
})();
