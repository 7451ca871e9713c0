// fast-check, set once for all tests: what failed is in the report, since the test runner prints no causes.
import fc from 'fast-check'

fc.configureGlobal({ includeErrorInReport: true })

export default fc
