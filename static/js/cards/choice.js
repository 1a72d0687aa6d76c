// One label: a press sends it, so that there is nothing to do before.
(() => {
  "use strict";
  Concord.kinds.choice = {};
})();
