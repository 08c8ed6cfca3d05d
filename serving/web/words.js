// What carried a decision: each word is left out once, and the model asked again.

const MOST = 256; // places tried in one text; in a longer one, neighbors go together
const AT_ONCE = 64;
const MOST_LETTERS = 1e6; // in one call, which the server must take
const BARELY = 0.02; // log-odds below which a word changed nothing worth a mark

// White space, a character of a script that puts no spaces between words, or what else stands between spaces.
const UNSPACED = "\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}";
const PARTS = new RegExp(`\\s+|[${UNSPACED}]\\p{M}*|[^\\s${UNSPACED}]+`, "gu");

/** The text in pieces: what is left out together, and the white space between as it is. */
export function pieces(text) {
  const parts = text.match(PARTS) ?? [];
  const words = parts.filter((part) => /\S/.test(part)).length;
  const together = Math.ceil(words / MOST);
  const found = [];
  let held = 0;
  for (const part of parts) {
    const last = found.at(-1);
    if (/\S/.test(part)) {
      if (last?.isWord && held % together) last.text += part;
      else found.push({ text: part, isWord: true });
      held += 1;
    } else if (last?.isWord && held % together) {
      last.text += part;
    } else {
      found.push({ text: part, isWord: false });
    }
  }
  return found;
}

/**
 * How much each piece speaks for positive: the log-odds of the whole text less those without it.
 * `told(done, all)` hears how far it is.
 */
export async function weigh(model, text, whole, told) {
  const found = pieces(text);
  const places = found.flatMap((piece, i) => (piece.isWord ? [i] : []));
  const atOnce = Math.max(1, Math.min(AT_ONCE, Math.floor(MOST_LETTERS / text.length)));
  for (let start = 0; start < places.length; start += atOnce) {
    const some = places.slice(start, start + atOnce);
    const without = some.map((left) => found.filter((_, i) => i !== left).map((piece) => piece.text).join(""));
    const { answers } = await model.predict(without);
    answers.forEach(({ probability }, i) => {
      const piece = found[some[i]];
      piece.without = probability;
      piece.weight = logOdds(whole) - logOdds(probability);
    });
    told(Math.min(start + atOnce, places.length), places.length);
  }
  return found;
}

function logOdds(probability) {
  const inside = Math.min(Math.max(probability, 1e-6), 1 - 1e-6);
  return Math.log(inside / (1 - inside));
}

/** The strength of a weight, 0 (no mark) to 3, measured against the strongest of its text. */
export function strength(weight, strongest) {
  const size = Math.abs(weight);
  if (size < BARELY) return 0;
  return size > strongest * 0.6 ? 3 : size > strongest * 0.3 ? 2 : size > strongest * 0.1 ? 1 : 0;
}
