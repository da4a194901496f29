/** What `make` gave for `key` before, or gives now. The cache is emptied when it holds `entriesMax`, so memory is bounded. */
export function remember<K, V>(cache: Map<K, V>, entriesMax: number, key: K, make: (key: K) => V): V {
  let value = cache.get(key);
  if (value === undefined) {
    if (cache.size >= entriesMax) cache.clear();
    value = make(key);
    cache.set(key, value);
  }
  return value;
}
