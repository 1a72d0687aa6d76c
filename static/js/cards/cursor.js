// A cursor of words in a text: arrows go from word to word, with shift they take more, with alt by the character. It is
// the browser's own selection, so that mouse, keys and fingers select alike.
(() => {
  "use strict";
  const { placeOf, pointAt } = Concord;

  class Cursor {
    // `parts`: [{ place, places }], `place` the element that holds the part's text.
    constructor(parts, box) {
      this.parts = parts;
      this.box = box;
      this.part = 0;
      this.anchor = this.focus = null; // stretches: words, or characters
      this.exact = false;
    }

    // What is selected: { part, start, end, exact }, or null.
    get stretch() {
      if (!this.anchor) return null;
      const [start, end] = [Math.min(this.anchor.start, this.focus.start), Math.max(this.anchor.end, this.focus.end)];
      return start < end ? { part: this.part, start, end, exact: this.exact } : null;
    }

    // Takes over what mouse or finger selected; null where that lies outside the text.
    heed(exact = false) {
      const range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
      const at = range ? this.parts.findIndex(({ place }) => place.contains(range.startContainer)) : -1;
      const ends = range ? this.parts.findIndex(({ place }) => place.contains(range.endContainer)) : -1;
      const part = at < 0 ? ends : at;
      if (part < 0) return null;
      const { place, places } = this.parts[part];
      const start = at === part ? placeOf(place, range.startContainer, range.startOffset) : 0;
      const end = ends === part ? placeOf(place, range.endContainer, range.endOffset) : places.text.length;
      this.part = part;
      this.exact = exact;
      const found = range.collapsed ? { start, end: start } : places.snap(start, end, exact) ?? { start, end: start };
      this.anchor = this.focus = found;
      return { crossed: !range.collapsed && at >= 0 && ends !== at && !this.atBegin(ends, range), ...found, part };
    }

    // A triple click ends at the very begin of the next part: that is no part of the selection.
    atBegin(part, range) {
      return part >= 0 && placeOf(this.parts[part].place, range.endContainer, range.endOffset) === 0;
    }

    // Whether the line with the cursor reads from right to left.
    get mirrored() {
      const { place } = this.parts[this.part];
      const [node] = pointAt(place, this.focus?.start ?? 0, true);
      return getComputedStyle(node.parentElement.closest(".line")).direction === "rtl";
    }

    show() {
      const found = this.stretch ?? this.focus;
      if (!found) return;
      const { place } = this.parts[this.part];
      const [from, to] = [pointAt(place, found.start, true), pointAt(place, found.end)];
      getSelection().setBaseAndExtent(...from, ...to);
      this.reveal(from, to);
    }

    reveal(from, to) {
      const range = document.createRange();
      range.setStart(...from);
      range.setEnd(...to);
      const [one, box] = [range.getBoundingClientRect(), this.box.getBoundingClientRect()];
      const room = 40;
      if (one.top < box.top + room) this.box.scrollBy(0, one.top - box.top - room);
      else if (one.bottom > box.bottom - room) this.box.scrollBy(0, one.bottom - box.bottom + room);
    }

    // Puts the cursor behind a place, so that the next word comes next.
    rest(part, place) {
      this.part = part;
      this.anchor = this.focus = { start: place, end: place };
    }

    drop() {
      if (this.focus) this.rest(this.part, this.focus.end);
      if (this.parts.some(({ place }) => place.contains(getSelection().anchorNode))) getSelection().removeAllRanges();
    }

    move(ahead, { extend, exact }) {
      if (!this.focus) this.rest(0, 0);
      if (extend && exact) this.anchor = this.sign(this.anchor.start);
      const next = exact ? this.nextCharacter(ahead, extend) : this.nextWord(ahead, extend);
      if (!next) return;
      this.exact = exact || (extend && this.exact);
      if (next.part !== undefined) this.part = next.part;
      this.focus = next;
      if (!extend || !this.anchor || this.anchor.start === this.anchor.end) this.anchor = next;
      this.show();
    }

    nextWord(ahead, extend) {
      const { places } = this.parts[this.part];
      const { words } = places;
      const here = places.wordAt(this.focus.start);
      const on = words[here] && words[here].start <= this.focus.start && this.focus.end > this.focus.start;
      const to = ahead > 0 ? (on ? here + 1 : places.wordAt(this.focus.end)) : here - 1;
      if (words[to]) return { ...words[to] };
      const part = this.part + ahead;
      if (extend || !this.parts[part]) return null;
      const there = this.parts[part].places.words;
      const word = ahead > 0 ? there[0] : there.at(-1);
      return word ? { ...word, part } : null;
    }

    nextCharacter(ahead, extend) {
      const { places } = this.parts[this.part];
      const { start, end } = this.focus;
      if (!extend) {
        const from = ahead > 0 ? end : places.step(start, -1);
        return { start: from, end: places.step(from, 1) };
      }
      // the end that moves is the one away from the anchor, of which one character stays
      const back = start < this.anchor.start || (ahead < 0 && end <= this.anchor.end);
      return back ? { start: places.step(start, ahead), end: this.anchor.end } : { start: this.anchor.start, end: places.step(end, ahead) };
    }

    sign(start) {
      return { start, end: this.parts[this.part].places.step(start, 1) };
    }

    // The word above or below, by what the eye sees.
    line(ahead, { extend }) {
      if (!this.focus) return this.move(1, { extend });
      const { place } = this.parts[this.part];
      const range = document.createRange();
      range.setStart(...pointAt(place, this.focus.start, true));
      range.setEnd(...pointAt(place, this.focus.end));
      const box = range.getBoundingClientRect();
      const high = Number.parseFloat(getComputedStyle(place).lineHeight);
      this.box.scrollBy(0, ahead > 0 ? Math.max(0, box.bottom + 2 * high - this.box.getBoundingClientRect().bottom) : Math.min(0, box.top - 2 * high - this.box.getBoundingClientRect().top));
      const now = range.getBoundingClientRect();
      const [x, y] = [now.left + now.width / 2, (now.top + now.bottom) / 2 + ahead * high];
      const point = document.caretPositionFromPoint?.(x, y) ?? document.caretRangeFromPoint?.(x, y);
      const [node, offset] = [point?.offsetNode ?? point?.startContainer, point?.offset ?? point?.startOffset];
      const part = this.parts.findIndex((one) => node && one.place.contains(node));
      if (part < 0 || (extend && part !== this.part)) return;
      const { places } = this.parts[part];
      const word = places.words[Math.min(places.wordAt(placeOf(this.parts[part].place, node, offset)), places.words.length - 1)];
      if (!word) return;
      this.part = part;
      this.focus = { ...word };
      if (!extend || !this.anchor) this.anchor = this.focus;
      this.show();
    }
  }

  window.Concord = { ...window.Concord, Cursor };
})();
