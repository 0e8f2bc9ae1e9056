// Where a photograph was taken, as its camera wrote into it: longitude and latitude, or null. A script of its own,
// fetched once a photograph is chosen.
import { load } from 'exifreader'

const HEAD_BYTES = 512 * 1024 // cameras write it in front of the picture

window.mapserviceTakenAt = async (file) => {
  const { gps } = load(await file.slice(0, HEAD_BYTES).arrayBuffer(), { expanded: true })
  const at = [gps?.Longitude, gps?.Latitude]
  const known = at.every(Number.isFinite) && at.some(Boolean) && Math.abs(at[0]) <= 180 && Math.abs(at[1]) <= 90
  return known ? at.map((degrees) => Number(degrees.toFixed(6))) : null
}
