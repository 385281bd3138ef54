/** What Valkey does when its memory is full: `maxmemory-policy`. */
export enum EvictionPolicy {
  /** Removes the keys that were used longest ago, among those that expire. */
  VOLATILE_LRU = 'volatile-lru',
  /** Removes the keys that are used least often, among those that expire. */
  VOLATILE_LFU = 'volatile-lfu',
  /** Removes the keys that would expire first. */
  VOLATILE_TTL = 'volatile-ttl',
  /** Removes any of the keys that expire. */
  VOLATILE_RANDOM = 'volatile-random',
  /** Removes the keys that were used longest ago, whether they expire or not. */
  ALLKEYS_LRU = 'allkeys-lru',
  /** Removes the keys that are used least often, whether they expire or not. */
  ALLKEYS_LFU = 'allkeys-lfu',
  /** Removes any key. */
  ALLKEYS_RANDOM = 'allkeys-random',
  /** Removes nothing. **Every command that writes fails until there is room.** */
  NOEVICTION = 'noeviction',
}
