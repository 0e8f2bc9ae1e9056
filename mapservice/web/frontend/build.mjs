// Builds the styles and scripts into the folder given as the first argument, with a content hash in
// each name (so that they can be cached for ever) and a manifest.json that maps plain names to them.
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import * as esbuild from 'esbuild'
import rtlcss from 'rtlcss'
import * as sass from 'sass'

const here = path.dirname(fileURLToPath(import.meta.url))
const target = path.resolve(process.argv[2] ?? path.join(here, '..', 'static', 'dist'))

const sassPlugin = {
  name: 'sass',
  setup (build) {
    build.onLoad({ filter: /\.scss$/ }, (source) => {
      const result = sass.compile(source.path, {
        loadPaths: [path.join(here, 'node_modules')],
        quietDeps: true,
        style: 'expanded'
      })
      return {
        contents: result.css,
        loader: 'css',
        resolveDir: path.dirname(source.path),
        watchFiles: result.loadedUrls.map((url) => fileURLToPath(url))
      }
    })
  }
}

// Of what ExifReader knows, only where a photograph was taken is asked: a third of its weight. This is what its own
// build does from the flags that it documents.
const ASKED = new Set(['USE_EXIF', 'USE_JPEG', 'USE_PNG', 'USE_WEBP'])
const exifPlugin = {
  name: 'exif',
  setup (build) {
    build.onLoad({ filter: /exifreader[\\/]src[\\/][\w-]+\.js$/ }, async ({ path: file }) => ({
      contents: (await readFile(file, 'utf8')).replace(/\bConstants\.(USE_\w+)/g, (_, flag) => String(ASKED.has(flag))),
      loader: 'js'
    }))
  }
}

await mkdir(target, { recursive: true })
const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: {
    site: 'js/site.js',
    map: 'js/map/index.js',
    worker: 'js/worker.js',
    survey: 'js/survey/index.js',
    walk: 'js/survey/walk.js',
    position: 'js/survey/position.js'
  },
  entryNames: '[name]-[hash]',
  outdir: target,
  bundle: true,
  minify: true,
  metafile: true,
  format: 'iife',
  target: ['es2020', 'chrome90', 'firefox90', 'safari15'],
  legalComments: 'linked',
  loader: { '.png': 'dataurl', '.svg': 'dataurl' },
  plugins: [sassPlugin, exifPlugin],
  logLevel: 'warning'
})

const manifest = {}
for (const output of Object.keys(result.metafile.outputs)) {
  const file = path.basename(output)
  const match = /^(\w+)-[A-Z0-9]{8}\.(css|js)$/.exec(file)
  if (match) manifest[`${match[1]}.${match[2]}`] = file
}
// The same styles mirrored, for languages that run from right to left. The map's are not: Leaflet counts
// from the left whatever the language.
const mirrored = rtlcss.process(await readFile(path.join(target, manifest['site.css']), 'utf8'))
const hash = createHash('sha256').update(mirrored).digest('hex').slice(0, 8).toUpperCase()
manifest['site.rtl.css'] = `site.rtl-${hash}.css`
await writeFile(path.join(target, manifest['site.rtl.css']), mirrored)

await writeFile(path.join(target, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
