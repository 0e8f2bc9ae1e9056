// What can be said of a line of corners without asking anybody: does it cross itself, how large is it.
// Positions are [longitude, latitude]; over a few hundred metres the earth is flat enough.
const METRES = 111320

// Where two sides of a closed line cross, or null.
export function crossing (ring) {
  const count = ring.length
  for (let i = 0; i < count; i += 1) {
    for (let j = i + 1; j < count; j += 1) {
      if (j === i + 1 || (i === 0 && j === count - 1)) continue // neighbours share a corner
      const at = meet(ring[i], ring[(i + 1) % count], ring[j], ring[(j + 1) % count])
      if (at) return at
    }
  }
  return null
}

export function squareMetres (ring) {
  const flat = ring.map((position) => metres(position, ring[0]))
  let twice = 0
  flat.forEach(([x, y], i) => {
    const [nextX, nextY] = flat[(i + 1) % flat.length]
    twice += x * nextY - nextX * y
  })
  return Math.abs(twice) / 2
}

export function distance (one, other) {
  return Math.hypot(...metres(one, other))
}

// A walked line without the corners that hardly stray from it (Douglas and Peucker).
export function simplified (line, tolerance) {
  if (line.length < 3) return line
  let farthest = 0
  let at = 0
  for (let i = 1; i < line.length - 1; i += 1) {
    const away = offLine(line[i], line[0], line[line.length - 1])
    if (away > farthest) [farthest, at] = [away, i]
  }
  if (farthest <= tolerance) return [line[0], line[line.length - 1]]
  return [...simplified(line.slice(0, at + 1), tolerance).slice(0, -1), ...simplified(line.slice(at), tolerance)]
}

function metres ([x, y], [originX, originY]) {
  return [(x - originX) * METRES * Math.cos(originY * Math.PI / 180), (y - originY) * METRES]
}

function offLine (point, start, end) {
  const [x, y] = metres(point, start)
  const [endX, endY] = metres(end, start)
  const length = Math.hypot(endX, endY)
  return length ? Math.abs(x * endY - y * endX) / length : Math.hypot(x, y)
}

function meet (a, b, c, d) {
  const [ax, ay] = a
  const across = (b[0] - ax) * (d[1] - c[1]) - (b[1] - ay) * (d[0] - c[0])
  if (!across) return null
  const t = ((c[0] - ax) * (d[1] - c[1]) - (c[1] - ay) * (d[0] - c[0])) / across
  const u = ((c[0] - ax) * (b[1] - ay) - (c[1] - ay) * (b[0] - ax)) / across
  return t >= 0 && t <= 1 && u >= 0 && u <= 1 ? [ax + t * (b[0] - ax), ay + t * (b[1] - ay)] : null
}
