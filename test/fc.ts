import * as fc from './fastCheck.ts'

export default fc
