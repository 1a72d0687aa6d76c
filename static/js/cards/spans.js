// Stretches of text: select, then say the type; or press a type first, and every selection is of it. A click on a mark
// takes it away. Everything works without a mouse, and every step can be taken back.
(() => {
  "use strict";
  const { kinds, worker, Places, Marking, Cursor, linesOf, drawMarks, cardSaid, cardChanged } = Concord;
  const works = new WeakMap();
  const texts = new WeakMap(); // each text once, whatever number of questions is answered in it
  const shown = () => (worker()?.dataset.kind === "spans" ? worker() : null);
  const field = (form) => form.querySelector("[name$=spans]");
  const count = (n) => (n === 1 ? "1 stretch" : `${n.toLocaleString("en")} stretches`);

  function read(box) {
    return [...box.querySelectorAll("[data-from]")].map((place) => {
      const text = place.textContent;
      return { place, from: Number(place.dataset.from), lines: linesOf(place, text), places: new Places(text, box.lang) };
    });
  }

  class Work {
    constructor(form) {
      this.form = form;
      this.box = form.closest("form").querySelector(".text");
      this.field = field(form);
      this.field.disabled = false;
      if (!texts.has(this.box)) texts.set(this.box, read(this.box));
      this.parts = texts.get(this.box);
      this.types = new Map([...form.querySelectorAll("[data-type]")].map((one, hue) => [Number(one.dataset.type), { button: one, hue, name: one.dataset.words, key: one.querySelector("kbd")?.textContent ?? one.dataset.words }]));
      this.marking = new Marking(this.parts, form.hasAttribute("data-overlaps"), JSON.parse(this.field.value || "[]"));
      this.cursor = new Cursor(this.parts, this.box);
      this.armed = this.types.size === 1 ? [...this.types.keys()][0] : null;
      this.show();
      this.paint();
    }

    show() {
      this.parts.forEach((_, part) => this.draw(part));
    }

    draw(part) {
      const mine = this.marking.marks.filter((one) => one.part === part);
      drawMarks(this.parts[part].lines, mine.map((one) => ({ ...one, ...this.types.get(one.type) })));
    }

    name(one) {
      return this.types.get(one.type)?.name;
    }

    // After a step: what is drawn, what is sent, and what is said.
    after(part, words) {
      if (part === null) this.show();
      else this.draw(part);
      this.tell();
      cardSaid(this.form, words);
    }

    tell() {
      const { marks, told } = this.marking;
      this.field.value = told;
      const list = this.form.querySelector(".marked");
      list.hidden = !marks.length;
      const counts = [...this.types].map(([type, { name }]) => [marks.filter((one) => one.type === type).length, name]);
      list.firstElementChild.textContent = `${count(marks.length)}: ${counts.filter(([n]) => n).map(([n, name]) => `${n} ${name}`).join(", ")}`;
      if (list.open) this.list();
      cardChanged(this.form);
    }

    list() {
      this.form.querySelector(".marked ul").replaceChildren(...this.marking.marks.map((one) => {
        const [item, button, words, type] = ["li", "button", "bdi", "span"].map((name) => document.createElement(name));
        button.type = "button";
        button.className = "chip";
        words.textContent = this.marking.words(one);
        type.className = "quiet";
        type.textContent = this.name(one);
        button.append(words, type, "×");
        button.setAttribute("aria-label", `Remove ${words.textContent}, ${type.textContent}`);
        button.addEventListener("click", () => this.remove(one));
        item.append(button);
        return item;
      }));
    }

    mark(type) {
      const found = this.cursor.stretch;
      if (!found) return false;
      const { part, start, end } = found;
      const there = this.marking.marks.find((one) => one.part === part && one.start === start && one.end === end && one.type === type);
      const gone = there ? [] : this.marking.add(part, { start, end }, type);
      this.cursor.rest(part, end);
      const what = `“${this.marking.words({ part, start, end })}” is ${this.types.get(type).name}`;
      const yielded = gone.map((one) => `“${this.marking.words(one)}”, ${this.name(one)}`).join(" and ");
      this.after(part, yielded ? `${what}; it took the place of ${yielded}.` : `${what}.`);
      this.cursor.drop();
      return true;
    }

    remove(one) {
      this.marking.remove(one);
      this.after(one.part, `The mark on “${this.marking.words(one)}”, ${this.name(one)}, is removed.`);
    }

    press(type) {
      if (this.mark(type)) return;
      this.armed = this.armed === type ? null : type;
      this.paint();
      cardSaid(this.form, this.armed === null ? "Select words, then press a type." : `Whatever you select now is ${this.types.get(type).name}. Escape ends that.`);
    }

    paint() {
      for (const [type, { button }] of this.types) button.setAttribute("aria-pressed", String(type === this.armed));
    }

    heed(event) {
      const found = this.cursor.heed(event.altKey);
      if (!found) return;
      if (found.start === found.end) return this.point(found, event);
      this.cursor.show();
      if (found.crossed) cardSaid(this.form, "A mark stays within one part of the text.");
      if (this.armed !== null) this.mark(this.armed);
      else if (!found.crossed) cardSaid(this.form, `“${this.marking.words(found)}” is selected; press its type.`);
    }

    // A click on a mark takes it away; elsewhere it puts the cursor there.
    point({ part, start }, event) {
      const one = event.target.closest?.("mark") && (this.marking.at(part, start) ?? this.marking.at(part, start - 1));
      if (one) this.remove(one);
    }

    delete() {
      const { part, focus } = this.cursor;
      const one = focus && this.marking.at(part, focus.start, Math.max(focus.end, focus.start + 1));
      const last = !one && focus && focus.start === focus.end && this.marking.at(part, focus.end - 1);
      if (one || last) this.remove(one || last);
      return Boolean(one || last);
    }

    escape() {
      this.cursor.drop();
      this.armed = this.types.size === 1 ? this.armed : null;
      this.paint();
    }
  }

  function ready(form) {
    if (!field(form)) return; // only read along
    if (!works.has(form)) works.set(form, new Work(form));
    works.get(form).tell();
  }

  const typing = "input, textarea, select, [popover], summary";
  const work = (event) => {
    const form = shown();
    return form && works.has(form) && !event.target.closest?.(typing) && !event.target.closest?.("[data-near]") ? works.get(form) : null;
  };

  const ARROWS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };

  function arrow(one, event) {
    const how = { extend: event.shiftKey, exact: event.altKey };
    if (/Up|Down/.test(event.key)) return one.cursor.line(ARROWS[event.key], how);
    one.cursor.move(ARROWS[event.key] * (one.cursor.mirrored ? -1 : 1), how);
  }

  document.addEventListener("keydown", (event) => {
    const one = work(event);
    if (!one || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.key in ARROWS) arrow(one, event);
    else if (event.key === "Escape") one.escape();
    else if (event.key !== "Delete" || !one.delete()) return;
    event.preventDefault();
    event.stopPropagation();
  }, true);

  let began = null; // the text in which the mouse went down
  document.addEventListener("pointerdown", (event) => {
    const form = shown();
    began = form && works.has(form) && event.target.closest?.(".text") ? form : null;
  });
  document.addEventListener("pointerup", (event) => {
    const form = began;
    began = null;
    if (form && form === shown()) setTimeout(() => works.get(form).heed(event)); // the selection is there by then
  });
  // Fingers move the ends of a selection after they were lifted.
  document.addEventListener("selectionchange", () => {
    const form = shown();
    if (!began && form && works.has(form) && matchMedia("(pointer: coarse)").matches && !getSelection().isCollapsed) works.get(form).cursor.heed();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-type]");
    const form = button?.closest("[data-kind]");
    if (form && works.has(form)) works.get(form).press(Number(button.dataset.type));
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".marked") && event.target.open) works.get(event.target.closest("[data-kind]"))?.list();
  }, true);

  const marking = (form) => works.get(form)?.marking;
  kinds.spans = {
    ready,
    words: (form, button) => (marking(form).marks.length ? count(marking(form).marks.length) : button.dataset.words),
    empty: (form) => !marking(form)?.marks.length,
    undoable: (form) => marking(form)?.undoable,
    said: (form) => marking(form).marks.map((one) => String(one.type)),
    shown: (form) => works.get(form)?.show(),
    undo: (form) => {
      if (!marking(form)?.undo()) return false;
      works.get(form).after(null, "The last step is taken back.");
      return true;
    },
    take: (form, given) => {
      marking(form).take(given);
      works.get(form).after(null, `${count(given.length)} taken over.`);
    },
  };
})();
