/** Server-sent events out of pieces of text, as the HTML standard cuts them (§9.2.6). */

const LONGEST = 1 << 20;

/**
 * @param {(event: {id: string, event: string, data: string}) => void} tell
 * @returns {(text: string) => void} what takes the next piece; a line of over 1 MiB is an error
 */
export function eventReader(tell) {
  let rest = "";
  let id = "";
  let kind = "";
  let data = [];
  const line = (text) => {
    if (text === "") {
      if (data.length) tell({ id, event: kind || "message", data: data.join("\n") });
      kind = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    let value = colon < 0 ? "" : text.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") data.push(value);
    else if (field === "event") kind = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  };
  return (text) => {
    rest += text;
    // A CR at the very end may be half of a CRLF.
    const end = rest.endsWith("\r") ? rest.length - 1 : rest.length;
    let from = 0;
    const ends = /\r\n|\n|\r/g;
    for (let match; (match = ends.exec(rest)) && match.index < end; from = ends.lastIndex) line(rest.slice(from, match.index));
    rest = rest.slice(from);
    if (rest.length > LONGEST) throw new Error("a line of the event stream is too long");
  };
}
