// Plots over time, drawn by uPlot in the colours of the theme, with the same numbers as a table.
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { dayText, minuteText, number, timeText, zone } from '../lib/text.ts'
import { theme } from '../lib/theme.ts'
import { Time } from './small.tsx'
import { Table } from './table.tsx'

interface PlotProps {
  readonly label: string
  /** What the numbers count. */
  readonly unit: string
  readonly points: readonly { readonly at: string; readonly value: number }[]
  /** A level is what there was at a time, and adds up to nothing; else each number is what came within its step. */
  readonly isLevel?: boolean
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

const HEIGHT = 200

export const Plot = ({ label, unit, points, isLevel = false }: PlotProps) => {
  const place = useRef<HTMLDivElement>(null)
  const shownTheme = theme.value
  useEffect(() => {
    const element = place.current
    if (element === null || points.length === 0) return
    const data: uPlot.AlignedData = [points.map(({ at }) => Date.parse(at) / 1000), points.map(({ value }) => value)]
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: `12px ${colour('--sans')}`,
    }
    const paths = uPlot.paths.bars?.({ size: [0.7, 40] })
    const isDays = (data[0].at(-1) ?? 0) - (data[0][0] ?? 0) > 2 * 86_400
    const named = (seconds: number): string => (isDays ? dayText : minuteText)(new Date(seconds * 1000))
    const make = () =>
      new uPlot(
        {
          width: Math.max(200, element.clientWidth),
          height: HEIGHT,
          legend: { show: false },
          cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
          tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), zone()),
          scales: { y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.1)] } },
          axes: [
            { ...axis, grid: { show: false }, size: 28, space: 60, values: (_u, splits) => splits.map(named) },
            {
              ...axis,
              size: 52,
              incrs: [
                1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
                500_000, 1_000_000, 5_000_000,
              ],
            },
          ],
          series: [
            {},
            {
              stroke: colour('--accent'),
              fill: colour('--accent'),
              width: 0,
              points: { show: false },
              ...(paths ? { paths } : {}),
            },
          ],
        },
        data,
        element,
      )
    let plot = make()
    const sized = new ResizeObserver(() => {
      if (Math.abs(plot.width - element.clientWidth) > 1)
        plot.setSize({ width: Math.max(200, element.clientWidth), height: HEIGHT })
    })
    sized.observe(element)
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const again = () => {
      plot.destroy()
      plot = make()
    }
    dark.addEventListener('change', again)
    return () => {
      dark.removeEventListener('change', again)
      sized.disconnect()
      plot.destroy()
    }
  }, [points, shownTheme])
  const total = points.reduce((sum, { value }) => sum + value, 0)
  const last = points.at(-1)
  const said = !isLevel
    ? `${label}: ${number(total)} ${unit} in all`
    : `${label}: ${number(last?.value)} ${unit}${last ? ` at ${timeText(new Date(last.at))}` : ''}`
  return (
    <div class="plot">
      <div ref={place} class="plot-canvas" role="img" aria-label={said} />
      <details>
        <summary>As a table</summary>
        <Table
          label={label}
          columns={[
            { head: !isLevel ? 'From' : 'At', cell: ({ at }) => <Time at={at} /> },
            { head: unit, align: 'right', cell: ({ value }) => number(value) },
          ]}
          rows={points.filter(({ value }) => value !== 0 || isLevel).slice(-500)}
          rowKey={({ at }) => at}
        />
      </details>
    </div>
  )
}
