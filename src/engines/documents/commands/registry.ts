// Every command that is served, by name, and those of the real server that are left out.
import * as authentication from './authentication.ts'
import { bulkWrite } from './bulk-write.ts'
import * as collections from './collections.ts'
import type { Context, Reply } from './context.ts'
import * as diagnostics from './diagnostics.ts'
import { explain } from './explain.ts'
import { findAndModify } from './find-and-modify.ts'
import * as indexes from './indexes.ts'
import * as operations from './operations.ts'
import * as reads from './reads.ts'
import * as sessions from './session.ts'
import * as statistics from './statistics.ts'
import * as writes from './writes.ts'

export type Run = (context: Context) => Promise<Reply>

export interface Command {
  readonly run: Run
  /** Whether it may be a statement of a transaction; `ends` commits or aborts one. */
  readonly transaction: 'part' | 'ends' | 'refuses' | 'never'
}

const part = (run: Run): Command => ({ run, transaction: 'part' })
export const never = (run: Run): Command => ({ run, transaction: 'never' })
/** Refuses inside a transaction by itself, with an error of its own. */
const refuses = (run: Run): Command => ({ run, transaction: 'refuses' })
const ends = (run: Run): Command => ({ run, transaction: 'ends' })

export const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['insert', part(writes.insert)],
  ['update', part(writes.update)],
  ['delete', part(writes.remove)],
  ['bulkWrite', part(bulkWrite)],
  ['findAndModify', part(findAndModify)],
  ['findandmodify', part(findAndModify)],
  ['find', part(reads.find)],
  ['getMore', part(reads.getMore)],
  ['killCursors', part(reads.killCursors)],
  ['aggregate', part(reads.aggregate)],
  ['distinct', part(reads.distinct)],
  ['count', never(reads.count)],
  ['explain', never(explain)],
  ['create', refuses(collections.create)],
  ['drop', refuses(collections.drop)],
  ['dropDatabase', refuses(collections.dropDatabase)],
  ['renameCollection', refuses(collections.rename)],
  ['listCollections', never(collections.listCollections)],
  ['listDatabases', never(statistics.listDatabases)],
  ['collStats', never(statistics.collStats)],
  ['collstats', never(statistics.collStats)],
  ['dbStats', never(statistics.dbStats)],
  ['dbstats', never(statistics.dbStats)],
  ['validate', never(statistics.validate)],
  ['createIndexes', refuses(indexes.createIndexes)],
  ['dropIndexes', refuses(indexes.dropIndexes)],
  ['deleteIndexes', refuses(indexes.dropIndexes)],
  ['listIndexes', never(indexes.listIndexes)],
  ['commitTransaction', ends(sessions.commitTransaction)],
  ['abortTransaction', ends(sessions.abortTransaction)],
  ['startSession', never(sessions.startSession)],
  ['endSessions', never(sessions.endSessions)],
  ['killSessions', never(sessions.endSessions)],
  ['killAllSessions', never(sessions.killAllSessions)],
  ['killAllSessionsByPattern', never(sessions.killAllSessions)],
  ['refreshSessions', never(sessions.refreshSessions)],
  ['saslStart', never(authentication.saslStart)],
  ['saslContinue', never(authentication.saslContinue)],
  ['logout', never(authentication.logout)],
  ['hello', part(diagnostics.hello)],
  ['isMaster', part(diagnostics.hello)],
  ['ismaster', part(diagnostics.hello)],
  ['ping', part(diagnostics.ping)],
  ['buildInfo', part(diagnostics.buildInfo)],
  ['buildinfo', part(diagnostics.buildInfo)],
  ['getParameter', never(diagnostics.getParameter)],
  ['getCmdLineOpts', never(diagnostics.getCmdLineOpts)],
  ['getLog', never(diagnostics.getLog)],
  ['connectionStatus', part(diagnostics.connectionStatus)],
  ['whatsmyuri', part(diagnostics.whatsmyuri)],
  ['serverStatus', never(diagnostics.serverStatus)],
  ['hostInfo', never(diagnostics.hostInfo)],
  ['replSetGetStatus', never(diagnostics.replSetGetStatus)],
  ['replSetGetConfig', never(diagnostics.replSetGetConfig)],
  ['getFreeMonitoringStatus', never(diagnostics.getFreeMonitoringStatus)],
  ['getDefaultRWConcern', never(diagnostics.getDefaultRWConcern)],
  ['profile', never(diagnostics.profile)],
  ['usersInfo', never(diagnostics.usersInfo)],
  ['rolesInfo', never(diagnostics.rolesInfo)],
  ['currentOp', never(operations.currentOp)],
  ['fsync', never(diagnostics.fsync)],
])

/** Commands of the real server that are left out: refused by name, where an unknown one does not exist. */
export const LEFT_OUT: ReadonlySet<string> = new Set(
  `addShard analyze analyzeShardKey applyOps autoCompact balancerStart balancerStop balancerStatus checkMetadataConsistency
   clearJumboChunk cloneCollectionAsCapped collMod compact compactStructuredEncryptionData configureQueryAnalyzer
   connPoolStats connPoolSync convertToCapped createRole createSearchIndexes createUser dataSize dbHash dbhash
   dropAllRolesFromDatabase dropAllUsersFromDatabase dropConnections dropRole dropSearchIndex dropUser enableSharding
   features filemd5 flushRouterConfig fsyncUnlock getAuditConfig getClusterParameter getShardMap grantPrivilegesToRole
   grantRolesToRole grantRolesToUser invalidateUserCache isdbgrid killOp listSearchIndexes listShards lockInfo logRotate
   mapReduce mapreduce planCacheClear planCacheClearFilters planCacheListFilters planCacheSetFilter reIndex
   replSetAbortPrimaryCatchUp replSetFreeze replSetInitiate replSetMaintenance replSetReconfig replSetResizeOplog
   replSetStepDown replSetSyncFrom revokePrivilegesFromRole revokeRolesFromRole revokeRolesFromUser rotateCertificates
   setAuditConfig setClusterParameter setDefaultRWConcern setFeatureCompatibilityVersion setIndexCommitQuorum setParameter
   shardCollection shardConnPoolStats shardingState shutdown top updateRole updateSearchIndex updateUser
   validateDBMetadata`.split(/\s+/),
)
