/**
 * The page, in Typst. Nothing of a run stands in here: the data come as files of values, and a string of a value is
 * shown as it is, whatever markup it looks like. What each member means says page-data.ts.
 */
export const template = `
#let data = json("/report.json")

#let ink = rgb("#1d1d1b")
#let quiet = rgb("#63625d")
#let hair = rgb("#d8d6cf")
#let paper = rgb("#f7f6f2")
#let tones = (plain: rgb("#8a8880"), good: rgb("#3f7d58"), warning: rgb("#b3541e"))

#let families(name) = data.fonts.at(name).map(it => if "only" in it {
  (name: it.family, covers: regex(it.only))
} else { it.family })
#let usual = families("usual")

// A line may end between two pieces. A space of no width at all would be left out.
#let pieces(it) = if type(it) == str { it } else { it.join(h(0.001pt)) }
#let lines(it) = it.map(pieces).join(linebreak())
#let parts(it) = for part in it {
  set text(dir: if part.isRtl { rtl } else { ltr })
  par(lines(part.lines))
}
#let cell(it) = if it.len() == 1 { lines(it.first().lines) } else { parts(it) }

#set document(title: data.title, description: data.description, date: datetime(..data.date))
#set text(font: usual, fallback: false, size: 9.5pt, fill: ink, lang: data.lang, hyphenate: false)
#set par(leading: 0.62em, spacing: 0.62em, linebreaks: "simple")
#set page(
  paper: "a4",
  margin: (left: 25mm, right: 25mm, top: 24mm, bottom: 27mm),
  footer-descent: 9mm,
  footer: context {
    set text(size: 7.5pt, fill: quiet)
    line(length: 100%, stroke: 0.4pt + hair)
    v(-0.1em)
    grid(
      columns: (1fr, auto),
      pieces(data.id),
      [#counter(page).get().first() / #counter(page).final().first()],
    )
  },
)

#show title: set text(size: 23pt, weight: 600)
#show title: set par(leading: 0.45em)
#show title: set block(below: 7mm)
#show heading: set text(weight: 600)
#show heading: set par(leading: 0.5em)
#show heading.where(level: 1): set text(size: 15pt)
#show heading.where(level: 1): set block(above: 12mm, below: 5mm)
#show heading.where(level: 2): set text(size: 11pt)
#show heading.where(level: 2): set block(above: 8mm, below: 3mm)
#show heading.where(level: 3): set text(size: 9.5pt, fill: quiet)
#show heading.where(level: 3): set block(above: 6mm, below: 2.5mm)

#let entitled(it) = heading(level: it.level, outlined: it.isListed, bookmarked: it.isListed, pieces(it.text))

#let speech(it) = block(
  width: 100%,
  above: 3mm,
  below: 4mm,
  inset: (x: 4mm, y: 3mm),
  fill: paper,
  stroke: if it.isRtl { (right: 1.2pt + hair) } else { (left: 1.2pt + hair) },
  {
    set text(size: 10pt, font: families(it.fonts), lang: it.lang, region: it.region)
    set par(leading: 0.75em, spacing: 0.75em)
    parts(it.parts)
  },
)

#let columned(rows, gap, rule) = {
  set par(leading: 0.55em, spacing: 0.55em)
  table(
    columns: (25%, 1fr),
    inset: (x, y) => (left: if x == 0 { 0pt } else { 3mm }, right: 0pt, y: gap),
    stroke: (x, y) => (top: if y > 0 { rule }),
    ..rows.map(((label, value)) => (text(fill: quiet, pieces(label)), cell(value))).flatten()
  )
}

#let facts(it) = block(
  width: 100%,
  above: 3mm,
  below: 4mm,
  breakable: it.isBreakable,
  if it.size == "small" {
    set text(size: 7.5pt)
    columned(it.rows, 0.7mm, none)
  } else {
    set text(size: 8.5pt)
    columned(it.rows, 1.5mm, 0.4pt + hair)
  },
)

#let photograph(it) = figure(
  context {
    let file = read(it.file, encoding: none)
    let natural = measure(image(file, format: it.format))
    let scale = calc.min(1, 160mm / natural.width, 125mm / natural.height)
    image(file, format: it.format, alt: it.alt, width: natural.width * scale)
  },
  caption: text(size: 8.5pt, fill: quiet, pieces(it.caption)),
  numbering: none,
  supplement: none,
)
#show figure: set block(above: 5mm, below: 6mm)
#show figure: set align(left)
#show figure.caption: it => align(left, it.body)

#let note(it) = block(
  width: 100%,
  above: 3mm,
  below: 4mm,
  inset: (left: 3.2mm, y: 1.2mm),
  stroke: (left: 2.4pt + tones.at(it.tone)),
  text(weight: if it.tone == "plain" { 400 } else { 600 }, cell(it.parts)),
)

// Each block, each cell and each paragraph takes kilobytes of memory, whatever stands in it: a long report has few.
#let run(it) = {
  if it.style == "heading" { text(weight: 600, lines(it.lines)) }
  if it.style == "note" { text(fill: quiet, weight: 600, lines(it.lines)) }
  if it.style == "facts" { text(size: 7.5pt, fill: quiet, lines(it.lines)) }
  if it.style == "text" { text(font: families(it.fonts), lang: it.lang, region: it.region, lines(it.lines)) }
}
#let dense(it) = {
  set text(dir: if it.isRtl { rtl } else { ltr })
  set par(spacing: 3.2mm)
  par(it.runs.map(run).join(linebreak()))
}

#let kinds = (
  heading: entitled, text: speech, facts: facts, picture: photograph, note: note, dense: dense,
)
#let all(blocks) = for it in blocks { (kinds.at(it.kind))(it) }

#title(pieces(data.heading))
#all(data.lead)
#if data.contents != none {
  set outline.entry(fill: text(fill: quiet, repeat(gap: 1.2mm)[.]))
  show outline.entry: set block(above: 2mm)
  show outline.entry.where(level: 1): set block(above: 3.6mm)
  show outline.entry.where(level: 1): set outline.entry(fill: none)
  show outline.entry.where(level: 1): set text(weight: 600)
  v(8mm)
  outline(title: text(size: 11pt, data.contents.title), depth: data.contents.depth, indent: 4mm)
  pagebreak(weak: true)
}
#all(data.body)
#for it in data.attachments {
  pdf.attach(
    it.name,
    read(it.file, encoding: none),
    relationship: it.relationship,
    mime-type: it.mime,
    description: it.description,
  )
}
`;
