// Light or dark: as the system says, unless somebody chose.
import { effect, signal } from '@preact/signals'

export type Theme = 'system' | 'light' | 'dark'
const KEY = 'tributary-theme'
const ORDER: readonly Theme[] = ['system', 'light', 'dark']

const kept = (): Theme => {
  const text = localStorage.getItem(KEY)
  return ORDER.find((one) => one === text) ?? 'system'
}

export const theme = signal<Theme>(kept())

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme.value
  localStorage.setItem(KEY, theme.value)
})

export const turnTheme = (): void => {
  theme.value = ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length]!
}
