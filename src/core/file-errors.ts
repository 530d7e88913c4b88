/**
 * Why a file cannot be read, or written, in words that go behind its name: what the system says of it (`EACCES`) helps
 * nobody who has not read errno(3).
 */
import { dirname } from 'node:path'

/** The system's name of what went wrong ('ENOENT'); '' for what is no error of the system. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Behind a file's name: 'does not exist', 'may not be read by this user (uid 33)'. */
export function whyUnread(error: unknown): string {
  const code = errorCode(error)
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'does not exist'
    case 'EISDIR':
      return 'is a folder'
    case 'EACCES':
    case 'EPERM':
      return `may not be read by ${thisUser()}`
    default:
      return `cannot be read (${code === '' ? messageOf(error) : code})`
  }
}

/** Behind 'cannot be written: ', of the file at `path`: the reason with its remedy. */
export function whyUnwritten(error: unknown, path: string): string {
  const code = errorCode(error)
  const folder = dirname(path)
  switch (code) {
    case 'ENOENT':
      return `its folder does not exist; make it (mkdir -p ${folder})`
    case 'ENOTDIR':
      return `${folder} is no folder`
    case 'EISDIR':
      return `${path} is a folder`
    case 'EACCES':
    case 'EPERM':
      return `${path} may not be written by ${thisUser()}`
    case 'EROFS':
      return `${folder} is on a file system that is read-only`
    case 'ENOSPC':
    case 'EDQUOT':
      return `there is no room left for ${path}`
    default:
      return messageOf(error)
  }
}

/** By its number: the name would have to be looked up. */
export function thisUser(): string {
  const uid = process.getuid?.()
  return uid === undefined ? 'this user' : `this user (uid ${uid})`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
