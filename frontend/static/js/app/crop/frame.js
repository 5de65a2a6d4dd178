// Arithmetic of the crop frame, in pixels of the picture; nothing here touches the page.

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** Width divided by height for "3:4"; 0 leaves the frame free. */
export function ratioOf(text) {
  const [across, down] = text.split(":").map(Number);
  return across && down ? across / down : 0;
}

/** The largest frame of a shape in the middle of a picture; free means all of it. */
export function largest(picture, ratio) {
  if (!ratio) return { x: 0, y: 0, w: picture.w, h: picture.h };
  const w = Math.floor(Math.min(picture.w, picture.h * ratio));
  const h = Math.min(picture.h, Math.round(w / ratio));
  return { x: Math.floor((picture.w - w) / 2), y: Math.floor((picture.h - h) / 2), w, h };
}

/** The frame moved, inside the picture. */
export function moved(box, dx, dy, picture) {
  const x = clamp(Math.round(box.x + dx), 0, picture.w - box.w);
  const y = clamp(Math.round(box.y + dy), 0, picture.h - box.h);
  return { ...box, x, y };
}

/** The frame with another size around a point that stays where it is (shares 0 to 1 of the frame). */
export function resized(box, wanted, { picture, ratio, least, ax = 0.5, ay = 0.5 }) {
  const px = box.x + box.w * ax;
  const py = box.y + box.h * ay;
  const roomX = Math.min(ax > 0 ? px / ax : Infinity, ax < 1 ? (picture.w - px) / (1 - ax) : Infinity);
  const roomY = Math.min(ay > 0 ? py / ay : Infinity, ay < 1 ? (picture.h - py) / (1 - ay) : Infinity);
  let w = wanted.w;
  let h = wanted.h;
  if (ratio) {
    const leastW = Math.max(least, least * ratio);
    w = clamp(w, leastW, Math.max(leastW, Math.min(roomX, roomY * ratio)));
    h = w / ratio;
  } else {
    w = clamp(w, least, Math.max(least, roomX));
    h = clamp(h, least, Math.max(least, roomY));
  }
  w = Math.min(picture.w, Math.round(w));
  h = Math.min(picture.h, Math.round(h));
  return moved({ x: px - w * ax, y: py - h * ay, w, h }, 0, 0, picture);
}

/** The frame in another shape: same middle, about the same area. */
export function reshaped(box, ratio, picture, least) {
  if (!ratio) return box;
  const w = Math.sqrt(box.w * box.h * ratio);
  return resized(box, { w, h: w / ratio }, { picture, ratio, least });
}
