// A photograph made smaller on the phone: a tenth to keep and to send where the signal is weak. The server draws it
// anew in any case, so that whatever goes wrong here, the photograph goes as it is.
const LONGEST_SIDE = 2000
const WORTH_BYTES = 700000

export async function shrunk (blob) {
  if (blob.size < WORTH_BYTES || !window.createImageBitmap) return blob
  try {
    const picture = await createImageBitmap(blob)
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height))
    if (scale === 1 && blob.type === 'image/jpeg') {
      picture.close()
      return blob // what was made smaller before stays the same picture, so that it is not kept twice
    }
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(picture.width * scale)
    canvas.height = Math.round(picture.height * scale)
    canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height)
    picture.close()
    const smaller = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.85))
    return smaller && smaller.size < blob.size ? smaller : blob
  } catch {
    return blob
  }
}
