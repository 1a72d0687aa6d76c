// Places in one text: words, characters as people see them, and code points. A script counts in halves of code points
// (UTF-16); answers count code points.
(() => {
  "use strict";
  const PAIR = /[\ud800-\udbff][\udc00-\udfff]/;

  class Places {
    constructor(text, lang) {
      this.text = text;
      this.lang = lang || undefined;
      this.plain = !PAIR.test(text);
    }

    // Where each word begins and ends, in order.
    get words() {
      this.found ??= [...new Intl.Segmenter(this.lang, { granularity: "word" }).segment(this.text)]
        .filter((one) => one.isWordLike)
        .map(({ index, segment }) => ({ start: index, end: index + segment.length }));
      return this.found;
    }

    // The first word that ends behind a place; all.length where none does.
    wordAt(place) {
      let [low, high] = [0, this.words.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.words[middle].end > place) high = middle;
        else low = middle + 1;
      }
      return low;
    }

    // A stretch without blanks at its ends, widened to whole words or, where `exact`, to whole characters.
    snap(start, end, exact = false) {
      const inner = this.text.slice(start, end);
      const first = start + inner.length - inner.trimStart().length;
      const last = first + inner.trim().length;
      if (last <= first) return null;
      if (exact) return { start: this.before(first), end: this.behind(last) };
      const [one, other] = [this.words[this.wordAt(first)], this.words[this.wordAt(last - 1)]];
      return {
        start: one && one.start < first ? one.start : this.before(first),
        end: other && other.start < last ? Math.max(other.end, last) : this.behind(last),
      };
    }

    // The border of a character at or before a place, and at or behind it.
    before(place) {
      return place <= 0 ? 0 : place >= this.text.length ? this.text.length : this.character(place).start;
    }

    behind(place) {
      if (place <= 0 || place >= this.text.length) return Math.min(Math.max(place, 0), this.text.length);
      const { start, end } = this.character(place);
      return start === place ? place : end;
    }

    // One character on from a border, or back.
    step(place, ahead) {
      if (ahead > 0) return place >= this.text.length ? place : this.character(place).end;
      return place <= 0 ? 0 : this.character(place - 1).start;
    }

    character(place) {
      this.signs ??= new Intl.Segmenter(this.lang, { granularity: "grapheme" });
      const from = Math.max(0, this.text.lastIndexOf("\n", place - 1) + 1, place - 64);
      const begin = from && /[\udc00-\udfff]/.test(this.text[from]) ? from - 1 : from;
      const { index, segment } = this.signs.segment(this.text.slice(begin, place + 64)).containing(place - begin);
      return { start: begin + index, end: begin + index + segment.length };
    }

    points(place) {
      return this.plain ? place : [...this.text.slice(0, place)].length;
    }

    units(points) {
      if (this.plain) return points;
      let place = 0;
      for (let count = 0; count < points && place < this.text.length; count += 1) place += this.text.codePointAt(place) > 0xffff ? 2 : 1;
      return place;
    }
  }

  window.Concord = { ...window.Concord, Places };
})();
