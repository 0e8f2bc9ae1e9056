// Pages without a map on which something is written that may have to wait for signal.
import { joinOutbox } from './sending.js'
import { atThisSpace } from './spot.js'

atThisSpace()
joinOutbox()
