/**
 * What a purge by host or tag is written to, and what tells how many entries it concerns. Entries point at their
 * records, so that a purge is one assignment whatever it concerns.
 */

export class HostRecord {
  readonly site: string
  readonly host: string
  /** Entries of it that `find` may find. */
  count = 0
  bytes = 0
  /** Growing entries that point here too. */
  growing = 0
  /** Generation of the last purge; 0 for never. */
  hardAt = 0
  softAt = 0

  constructor(site: string, host: string) {
    this.site = site
    this.host = host
  }
}

export class TagRecord {
  readonly site: string
  readonly tag: string
  count = 0
  bytes = 0
  growing = 0
  hardAt = 0
  softAt = 0

  constructor(site: string, tag: string) {
    this.site = site
    this.tag = tag
  }
}
