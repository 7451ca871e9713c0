// What a form or a button does: one thing at a time, and what went wrong with it in words.
import { useRef, useState } from 'preact/hooks'
import { wordsOf } from './api.ts'

export interface Once {
  /** What went wrong the last time; gone once something is carried out again. */
  readonly fault: string | undefined
  readonly isBusy: boolean
  /** Carries it out; never rejects. While something runs nothing else begins. */
  once(work: () => Promise<void>): Promise<void>
  /** Forgets what went wrong. */
  clear(): void
}

interface OnceOptions {
  /** What is carried out as soon as the page is there. */
  readonly isBusyAtFirst?: boolean
  /** Is told what went wrong, where it is not shown with the form. */
  readonly onFault?: (words: string) => void
}

export const useOnce = ({ isBusyAtFirst = false, onFault }: OnceOptions = {}): Once => {
  const [fault, setFault] = useState<string>()
  const [isBusy, setBusy] = useState(isBusyAtFirst)
  // Two clicks come before anything is drawn anew.
  const running = useRef(false)
  return {
    fault,
    isBusy,
    clear: () => setFault(undefined),
    async once(work) {
      if (running.current) return
      running.current = true
      setBusy(true)
      setFault(undefined)
      try {
        await work()
      } catch (error) {
        setFault(wordsOf(error))
        onFault?.(wordsOf(error))
      } finally {
        running.current = false
        setBusy(false)
      }
    },
  }
}
