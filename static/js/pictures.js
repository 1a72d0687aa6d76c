// A picture on a card: whole to begin with; nearer and farther by wheel, fingers, buttons and keys, moved by dragging and by
// arrows once it has the focus, and shown in its real size, a pixel a pixel.
(() => {
  "use strict";
  const STEP = 1.25;
  const MOST = 16;
  const MOVE = 60;
  const lenses = new WeakMap();

  class Lens {
    constructor(figure) {
      this.figure = figure;
      this.frame = figure.querySelector(".frame");
      this.image = figure.querySelector("img");
      this.fingers = new Map();
      this.set(1, 0, 0);
      figure.querySelector(".lenses").hidden = false;
      figure.querySelector("a").addEventListener("click", (event) => event.preventDefault());
      this.frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      for (const kind of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) this.frame.addEventListener(kind, (event) => this.finger(event));
      this.frame.addEventListener("keydown", (event) => this.key(event));
      new ResizeObserver(() => this.set(this.scale, this.x, this.y)).observe(this.frame);
      this.image.addEventListener("load", () => this.set(this.scale, this.x, this.y));
    }

    // Of the fitting size, the one at which a pixel of the picture is a pixel of the screen.
    get real() {
      const { offsetWidth, offsetHeight } = this.image;
      const [width, height] = ["width", "height"].map((name) => Number(this.image.getAttribute(name)));
      return offsetWidth && offsetHeight ? Math.max(width / offsetWidth, height / offsetHeight) / devicePixelRatio : 1;
    }

    set(scale, x, y) {
      this.scale = Math.min(Math.max(scale, 1), Math.max(MOST, this.real));
      const room = (length) => (length * (this.scale - 1)) / 2;
      this.x = Math.min(Math.max(x, -room(this.image.offsetWidth)), room(this.image.offsetWidth));
      this.y = Math.min(Math.max(y, -room(this.image.offsetHeight)), room(this.image.offsetHeight));
      this.image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
      this.frame.toggleAttribute("data-near", this.scale > 1);
      this.figure.querySelector("[data-lens=turn]").setAttribute("aria-pressed", String(this.scale > 1 && Math.abs(this.scale - this.real) < 0.01));
      this.figure.querySelector("[data-scale]").textContent = `${Math.round((100 * this.scale) / this.real)}%`;
    }

    // Nearer or farther, with the point under the pointer where it is.
    zoom(by, at) {
      const box = this.frame.getBoundingClientRect();
      const [px, py] = at ? [at.clientX - box.left - box.width / 2, at.clientY - box.top - box.height / 2] : [0, 0];
      const scale = Math.min(Math.max(this.scale * by, 1), Math.max(MOST, this.real));
      const ratio = scale / this.scale;
      this.set(scale, px - (px - this.x) * ratio, py - (py - this.y) * ratio);
    }

    turn() {
      if (this.scale > 1) this.set(1, 0, 0);
      else this.zoom(this.real > 1.01 ? this.real : 2);
    }

    wheel(event) {
      if (!event.ctrlKey && this.scale === 1 && document.activeElement !== this.frame) return; // the page scrolls
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 100 : 400)), event);
    }

    finger(event) {
      if (event.type === "pointerdown") {
        this.fingers.set(event.pointerId, event);
        if (this.scale > 1 || this.fingers.size > 1) this.frame.setPointerCapture(event.pointerId);
        return;
      }
      const before = this.fingers.get(event.pointerId);
      if (event.type !== "pointermove") return void this.fingers.delete(event.pointerId);
      if (!before) return;
      const other = [...this.fingers.values()].find((one) => one.pointerId !== event.pointerId);
      if (other) {
        const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
        this.zoom(apart(event) / Math.max(apart(before), 1), { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
      } else this.set(this.scale, this.x + event.clientX - before.clientX, this.y + event.clientY - before.clientY);
      this.fingers.set(event.pointerId, event);
    }

    key(event) {
      const way = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] }[event.key];
      if (!way || this.scale === 1 || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      this.set(this.scale, this.x + way[0], this.y + way[1]);
    }
  }

  const of = (figure) => lenses.get(figure) ?? lenses.set(figure, new Lens(figure)).get(figure);

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-lens]");
    if (!button) return;
    const lens = of(button.closest("[data-picture]"));
    if (button.dataset.lens === "turn") lens.turn();
    else lens.zoom(button.dataset.lens === "in" ? STEP : 1 / STEP);
  });

  const ready = (place) => place?.querySelectorAll("[data-picture]").forEach(of);
  // Pictures of the cards in hand are fetched before they are needed.
  const fetched = new Set();
  function ahead(cards) {
    for (const image of cards.slice(0, 2).flatMap((card) => [...card.querySelectorAll("[data-picture] img")])) {
      const address = image.getAttribute("src");
      if (fetched.has(address)) continue;
      fetched.add(address);
      new Image().src = address;
    }
  }

  window.Concord = { ...window.Concord, pictures: ready, picturesAhead: ahead };
})();
