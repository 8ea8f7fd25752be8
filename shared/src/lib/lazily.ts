type Makers<T> = { readonly [K in keyof T]: () => T[K] };

/** `target` with more properties, each made when it is first read, and then kept. */
export function lazily<T extends object, P extends object>(target: T, makers: Makers<P>): T & P {
  for (const name of Object.keys(makers) as (keyof P & string)[]) {
    const get = () => {
      const value = makers[name]();
      Object.defineProperty(target, name, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(target, name, { get, enumerable: true, configurable: true });
  }
  return target as T & P;
}
