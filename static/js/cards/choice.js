// One label: a press sends it, so that there is nothing to do before.
(() => {
  "use strict";
  Concord.kinds.choice = { words: (form) => form.querySelector("[name$=label]:checked")?.dataset.brief };
})();
