// The marks of one text: made, replaced, removed, and each step taken back. A mark: { part, start, end, type, a, b };
// start and end count units of its part's text, a and b code points of the whole text.
(() => {
  "use strict";
  const ordered = (marks) => [...marks].sort((one, other) => one.a - other.a || one.b - other.b || one.type - other.type);
  const same = (one, other) => one.a === other.a && one.b === other.b;
  const meet = (one, other) => one.a < other.b && other.a < one.b;

  class Marking {
    // `parts`: [{ places, from }] in order.
    constructor(parts, overlaps, given) {
      this.parts = parts;
      this.overlaps = overlaps;
      this.past = [];
      this.marks = ordered(given.map(([a, b, type]) => this.found(a, b, type)).filter(Boolean));
    }

    found(a, b, type) {
      const part = this.parts.findLastIndex(({ from }) => from <= a);
      if (part < 0) return null;
      const { places, from } = this.parts[part];
      return { part, start: places.units(a - from), end: places.units(b - from), type, a, b };
    }

    made(part, { start, end }, type) {
      const { places, from } = this.parts[part];
      return { part, start, end, type, a: from + places.points(start), b: from + places.points(end) };
    }

    become(marks, words) {
      this.past.push({ marks: this.marks, words });
      this.marks = ordered(marks);
    }

    // Marks a stretch; returns what had to make room for it: the same stretch of another type, or whatever it meets.
    add(part, stretch, type) {
      const one = this.made(part, stretch, type);
      const yields = (other) => (this.overlaps ? same(one, other) && (one.type === other.type) : meet(one, other));
      const gone = this.marks.filter(yields);
      this.become([...this.marks.filter((other) => !yields(other)), one], `mark on ${this.words(one)}`);
      return gone;
    }

    remove(one) {
      this.become(this.marks.filter((other) => other !== one), `removal on ${this.words(one)}`);
    }

    // The shortest mark on a stretch of a part, or at a point of it.
    at(part, start, end = start + 1) {
      const there = this.marks.filter((one) => one.part === part && one.start < end && one.end > start);
      return there.sort((one, other) => one.end - one.start - (other.end - other.start))[0];
    }

    get undoable() {
      return this.past.at(-1)?.words;
    }

    undo() {
      const step = this.past.pop();
      if (step) this.marks = step.marks;
      return Boolean(step);
    }

    take(given) {
      this.become(given.map(([a, b, type]) => this.found(a, b, type)).filter(Boolean), "answer taken over");
    }

    words({ part, start, end }) {
      const told = this.parts[part].places.text.slice(start, end).replace(/\s+/g, " ");
      return told.length > 24 ? `${told.slice(0, 23)}…` : told;
    }

    get told() {
      return JSON.stringify(this.marks.map(({ a, b, type }) => [a, b, type]));
    }
  }

  window.Concord = { ...window.Concord, Marking };
})();
