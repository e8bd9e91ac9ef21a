// Values of CQL as cql-execution holds them, written as conformance/peers/plain_values.py writes those of ecqm.
//   const plain = require('./plain_values')(value => what is written of an instance of the data model, or undefined)

// Significant digits that survive arithmetic in floating point.
const number = value => String(Number(value.toPrecision(12)));
const fields = ['year', 'month', 'day', 'hour', 'minute', 'second', 'millisecond'];

function moment(value) {
  const known = [];
  for (const field of fields) {
    if (value[field] === null || value[field] === undefined) break;
    known.push(value[field]);
  }
  if (known.length === 6) known.push(0); // seconds and milliseconds are one precision
  if (known.length < 7) return `@${known.join('.')}`;
  const [year, month, ...rest] = known;
  const instant = new Date(Date.UTC(2000, month - 1, ...rest)).setUTCFullYear(year);
  return `@${new Date(instant - (value.timezoneOffset || 0) * 3600000).toISOString()}`;
}

module.exports = instance => {
  function plain(value) {
    // A value that is not known exactly is null in the end.
    if (value && value.isUncertainty) return value.isPoint() ? plain(value.low) : null;
    if (value === null || value === undefined) return null;
    if (typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number') return number(value);
    if (typeof value === 'bigint') return String(value);
    if (Array.isArray(value)) return Array.from(value, plain);
    if (value.isDateTime || value.isDate) return value.isTime && value.isTime() ? `T${value}` : moment(value);
    if (value.isInterval) return { low: plain(value.low), high: plain(value.high), closed: [value.lowClosed, value.highClosed] };
    if (value.isQuantity) return `${number(value.value)} ${value.unit || '1'}`;
    if (value.isRatio) return [plain(value.numerator), plain(value.denominator)];
    if (value.isConcept) return { codes: value.codes.map(plain) };
    if (value.isCode) return `${value.system || ''}|${value.code}`;
    if (value.isValueSet) return `ValueSet ${value.oid}`;
    const written = instance(value);
    if (written !== undefined) return written;
    return Object.fromEntries(Object.keys(value).sort().map(key => [key, plain(value[key])]));
  }
  return plain;
};
