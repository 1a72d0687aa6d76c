// Marks drawn into a text: each stretch between two borders is one element that carries the lanes of what lies on it.
(() => {
  "use strict";
  const LANES = 3;
  const HUES = 8;
  const [ROW, LONG] = [2000, 3000];

  // The lane of each mark: the first one that is free where it begins. Marks come in order of their start.
  function lanes(marks) {
    const ends = Array(LANES).fill(-1);
    return marks.map((mark) => {
      const free = ends.findIndex((end) => end <= mark.start);
      const lane = free < 0 ? LANES - 1 : free;
      ends[lane] = Math.max(ends[lane], mark.end);
      return lane;
    });
  }

  // [{ start, end, on: [places of marks] }] for everything that is marked, in order.
  function segments(marks) {
    const borders = [...new Set(marks.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
    const found = [];
    let on = [];
    let next = 0;
    borders.forEach((start, at) => {
      on = on.filter((k) => marks[k].end > start);
      while (next < marks.length && marks[next].start <= start) on.push(next++);
      if (on.length) found.push({ start, end: borders[at + 1], on: [...on] });
    });
    return found;
  }

  // What is to be seen, piece by piece: plain text, or text with the lanes, keys and names of what lies on it.
  function pieces(text, marks) {
    const lane = lanes(marks);
    const found = [];
    let at = 0;
    for (const { start, end, on } of segments(marks)) {
      if (start > at) found.push({ text: text.slice(at, start) });
      const look = ["marking", ...on.map((k) => `v${lane[k]}y${marks[k].hue % HUES}`)];
      if (on.some((k) => marks[k].end === end)) look.push("last");
      if (on.length > 1) look.push("over");
      const key = on.filter((k) => marks[k].start === start).map((k) => marks[k].key).join(" ");
      found.push({ text: text.slice(start, end), look: look.join(" "), key, title: on.map((k) => marks[k].name).join(", ") });
      at = end;
    }
    if (at < text.length) found.push({ text: text.slice(at) });
    return found;
  }

  function element({ text, look, key, title }) {
    if (!look) return document.createTextNode(text);
    const made = document.createElement("mark");
    made.textContent = text;
    made.className = look;
    made.title = title;
    if (key) made.dataset.key = key;
    return made;
  }

  const alike = (one, other) => one.text === other.text && one.look === other.look && one.key === other.key;
  const seen = new WeakMap();

  // Each line of a text becomes an element, so that a mark lays out its own line only, and each reads in its direction.
  // A line that fills screens is cut into rows of its own: the browser lays out all of a paragraph for one mark in it.
  function lines(place, text) {
    const found = (text.match(/[^\n]*\n|[^\n]+$/g) ?? [""]).map(cut);
    let at = 0;
    const made = found.flat().map((words) => {
      const element = document.createElement("span");
      element.className = "line";
      element.dir = "auto";
      element.textContent = words;
      at += words.length;
      return { element, text: words, from: at - words.length, to: at };
    });
    place.replaceChildren(...made.map(({ element }) => element));
    turn(found, made);
    return made;
  }

  // All rows of one line read in the direction of its begin.
  function turn(found, made) {
    let at = 0;
    for (const rows of found) {
      const [first, ...others] = made.slice(at, (at += rows.length));
      if (others.length) others.forEach(({ element }) => (element.dir = getComputedStyle(first.element).direction));
    }
  }

  // A line in rows of so many signs, cut behind a sentence, else behind a word, else between two characters.
  function cut(line) {
    const rows = [];
    let from = 0;
    while (line.length - from > LONG) {
      const within = line.slice(from, from + ROW);
      const sentence = within.match(/^[^]*(?:[.!?…]["'”’)]*\s+|[。！？؟।၊။]+)/)?.[0].length ?? 0;
      const word = within.match(/^[^]*\s/)?.[0].length ?? 0;
      const end = [sentence, word].find((one) => one > ROW / 2) ?? whole(within);
      rows.push(line.slice(from, from + end));
      from += end;
    }
    return [...rows, line.slice(from)];
  }

  // Where the last character begins, which what follows may go on.
  function whole(text) {
    const tail = text.length - 64;
    return tail + [...new Intl.Segmenter().segment(text.slice(tail))].at(-1).index;
  }

  // Draws marks, sorted by start, into the lines of their text.
  function draw(rows, marks) {
    for (const { element, text, from, to } of rows) {
      const inside = marks.filter(({ start, end }) => start < to && end > from);
      drawLine(element, text, inside.map((one) => ({ ...one, start: Math.max(one.start - from, 0), end: Math.min(one.end - from, text.length) })));
    }
  }

  // Only the pieces that changed are made anew.
  function drawLine(place, text, marks) {
    const [now, old] = [pieces(text, marks), seen.get(place) ?? [{ text }]];
    let front = 0;
    while (front < now.length && front < old.length && alike(now[front], old[front])) front += 1;
    let back = 0;
    while (back < now.length - front && back < old.length - front && alike(now.at(-1 - back), old.at(-1 - back))) back += 1;
    const nodes = [...place.childNodes];
    nodes.slice(front, old.length - back).forEach((one) => one.remove());
    const made = document.createDocumentFragment();
    now.slice(front, now.length - back).forEach((one) => made.append(element(one)));
    place.insertBefore(made, nodes[old.length - back] ?? null);
    seen.set(place, now);
  }

  // Where a point of the document lies in the text of `place`, in units of the text.
  function placeOf(place, node, offset) {
    const range = document.createRange();
    range.setStart(place, 0);
    range.setEnd(node, offset);
    return range.toString().length;
  }

  // The point of the document at a place of the text; where two nodes meet, the begin of the later one if `ahead`.
  function pointAt(place, at, ahead = false) {
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    let [left, last] = [at, null];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (left < node.length || (left === node.length && !ahead)) return [node, left];
      left -= node.length;
      last = node;
    }
    return last ? [last, last.length] : [place, 0];
  }

  window.Concord = { ...window.Concord, linesOf: lines, drawMarks: draw, placeOf, pointAt };
})();
