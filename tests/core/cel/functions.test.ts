import { describe, expect, it } from "vitest";
import { compile } from "../../../core/cel/mod.ts";

function evaluate(source: string): unknown {
  return compile(source, new Map()).evaluate(new Map());
}

describe("functions", () => {
  // Every line is true. First what they do, then edges.
  it.each([
    // Conversions
    "int('42') == 42 && int(3.9) == 3 && int(-3.9) == -3 && int(5u) == 5",
    "uint('7') == 7u && uint(7) == 7u && double('1.5') == 1.5 && double(2) == 2.0",
    "string(1) == '1' && string(1.5) == '1.5' && string(true) == 'true' && string(b'ab') == 'ab'",
    "string(timestamp('2020-01-02T03:04:05.5Z')) == '2020-01-02T03:04:05.5Z'",
    "string(duration('90m')) == '5400s'",
    "bytes('é') == b'\\303\\251' && bool('true') && !bool('F')",
    "size('héllo') == 5 && 'a😀b'.size() == 3 && size([1]) == 1 && size({}) == 0 && size(b'abc') == 3",
    // Times
    "timestamp('2020-02-29T12:30:45.678Z').getFullYear() == 2020",
    "timestamp('2020-02-29T12:30:45.678Z').getMonth() == 1 && timestamp('2020-02-29T12:30:45.678Z').getDate() == 29",
    "timestamp('2020-02-29T12:30:45.678Z').getDayOfMonth() == 28 && timestamp('2020-02-29T00:00:00Z').getDayOfYear() == 59",
    "timestamp('2020-02-29T12:30:45.678Z').getDayOfWeek() == 6",
    "timestamp('2020-02-29T12:30:45.678Z').getHours() == 12 && timestamp('2020-02-29T12:30:45.678Z').getMilliseconds() == 678",
    "timestamp('2020-02-29T12:30:45Z').getHours('America/New_York') == 7",
    "timestamp('2020-02-29T12:30:45Z').getHours('+05:30') == 18 && timestamp('2020-02-29T12:30:45Z').getMinutes('+05:30') == 0",
    "timestamp('2020-01-01T00:00:00+01:00') == timestamp('2019-12-31T23:00:00Z')",
    "timestamp('2020-01-01T00:00:00Z') + duration('1h') == timestamp('2020-01-01T01:00:00Z')",
    "timestamp('2020-01-01T01:00:00Z') - timestamp('2020-01-01T00:00:00Z') == duration('1h')",
    "duration('1h30m').getMinutes() == 90 && duration('-1.5s').getMilliseconds() == -500 && duration('25h').getHours() == 25",
    "duration('1h') < duration('61m') && duration('1us') == duration('1000ns')",
    // Text
    "'abc'.contains('b') && 'abc'.startsWith('ab') && 'abc'.endsWith('bc') && ''.contains('')",
    "'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == '' && 'a😀b'.charAt(1) == '😀'",
    "'hello'.indexOf('l') == 2 && 'hello'.indexOf('l', 3) == 3 && 'hello'.indexOf('z') == -1 && 'a😀b'.indexOf('b') == 2",
    "'hello'.lastIndexOf('l') == 3 && 'hello'.lastIndexOf('l', 2) == 2 && 'hello'.lastIndexOf('') == 5",
    "['a', 'b'].join() == 'ab' && ['a', 'b'].join('-') == 'a-b' && [].join('-') == ''",
    "'TaCoCÆt'.lowerAscii() == 'tacocÆt' && 'tacocæt'.upperAscii() == 'TACOCæT'",
    "'hello hello'.replace('he', 'we') == 'wello wello' && 'hello hello'.replace('he', 'we', 1) == 'wello hello'",
    "'hello'.replace('l', '', 0) == 'hello' && 'ab'.replace('', '-') == '-a-b-'",
    "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c'] && 'ab'.split('') == ['a', 'b'] && 'a'.split(',', 0) == []",
    "'tacocat'.substring(4) == 'cat' && 'tacocat'.substring(0, 4) == 'taco' && 'ta©o©αT'.substring(2, 6) == '©o©α'",
    "' \\t a b \\n'.trim() == 'a b' && strings.quote('a\"\\n') == '\"a\\\\\"\\\\n\"'",
    "'%s is %d, %.2f, %x, %b, %o, %e %%'.format(['x', 5, 1.255, 255, 5, 8, 1234.5]) == 'x is 5, 1.25, ff, 101, 10, 1.234500e+03 %'",
    "'%s %s'.format([[1, 2], {'k': true}]) == '[1, 2] {k: true}' && '%X'.format(['ab']) == '6162'",
    "jsonpatch.escapeKey('a/b~c') == 'a~1b~0c'",
    // Regular expressions
    "'foobar'.matches('o+b') && matches('x', '^x$') && !'abc'.matches('^b') && 'a\\nb'.matches('(?s)a.b')",
    "'abc 123'.find('[0-9]+') == '123' && 'abc'.find('[0-9]+') == ''",
    "'123 abc 456'.findAll('[0-9]+') == ['123', '456'] && '1 2 3'.findAll('[0-9]', 2) == ['1', '2'] && 'a'.findAll('[0-9]') == []",
    // Lists
    "[1, 2, 2].isSorted() && !['b', 'a'].isSorted() && [].isSorted()",
    "[1, 3].sum() == 4 && [1.0, 3.5].sum() == 4.5 && [1u].sum() == 1u && [duration('1m'), duration('1s')].sum() == duration('61s')",
    "[1, 3].min() == 1 && ['a', 'c'].max() == 'c' && [1.5, -2.0].min() == -2.0",
    "[1, 2, 2].indexOf(2) == 1 && [1, 2, 2].lastIndexOf(2) == 2 && ['a'].indexOf('b') == -1",
    "[3, 1, 2].sort() == [1, 2, 3] && [3, 1].reverse() == [1, 3] && [1, 1, 2].distinct() == [1, 2]",
    "[{'n': 'b'}, {'n': 'a'}].sortBy(x, x.n) == [{'n': 'a'}, {'n': 'b'}]",
    "[[1], [2, 3]].flatten() == [1, 2, 3] && [1, 2, 3, 4].slice(1, 3) == [2, 3] && lists.range(3) == [0, 1, 2]",
    "[1, 2].first().value() == 1 && [1, 2].last().value() == 2",
    "sets.contains([1, 2], [2, 2]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [2, 1]) && !sets.intersects([1], [])",
    // URLs
    "url('https://user@example.com:8080/a%20b/c?x=1&x=2&y=z').getHost() == 'example.com:8080'",
    "url('https://[::1]:80/a').getHostname() == '::1' && url('https://[::1]:80/a').getPort() == '80'",
    "url('https://a.b/c d').getEscapedPath() == '/c%20d' && url('/x?q').getScheme() == '' && url('HTTP://x').getScheme() == 'http'",
    "url('https://a/?x=1&x=2&y=a+b').getQuery() == {'x': ['1', '2'], 'y': ['a b']}",
    "isURL('https://a') && isURL('/a') && !isURL('a b') && !isURL('') && !isURL('a:b') && !isURL('http://a:port')",
    // Quantities
    "quantity('1Gi') == quantity('1024Mi') && quantity('50M').isGreaterThan(quantity('50')) && quantity('1').isLessThan(quantity('2'))",
    "quantity('1500m').isInteger() == false && quantity('2k').asInteger() == 2000 && quantity('50k').asApproximateFloat() == 50000.0",
    "quantity('-1').sign() == -1 && quantity('1').add(quantity('2')) == quantity('3') && quantity('5').sub(2) == quantity('3')",
    "quantity('1').compareTo(quantity('2')) == -1 && isQuantity('1.5') && !isQuantity('1x') && !isQuantity('')",
    // Addresses
    "ip('127.0.0.1').isLoopback() && ip('::').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast() && ip('224.0.0.1').isLinkLocalMulticast()",
    "ip('8.8.8.8').isGlobalUnicast() && !ip('127.0.0.1').isGlobalUnicast() && ip('::1').family() == 6 && ip('1.2.3.4').family() == 4",
    "isIP('::1') && !isIP('::ffff:1.2.3.4') && !isIP('1.2.3.04') && !isIP('fe80::1%eth0')",
    "ip.isCanonical('::1') && !ip.isCanonical('0:0:0:0:0:0:0:1') && string(ip('2001:DB8:0:0::1')) == '2001:db8::1'",
    "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsIP(ip('10.0.0.1')) && !cidr('10.0.0.0/8').containsIP('11.0.0.1')",
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
    "cidr('192.168.1.7/24').masked() == cidr('192.168.1.0/24') && cidr('10.0.0.0/8').prefixLength() == 8 && cidr('10.0.0.1/8').ip() == ip('10.0.0.1')",
    "isCIDR('::/0') && !isCIDR('1.2.3.4') && !isCIDR('1.2.3.4/33') && string(cidr('10.0.0.1/8')) == '10.0.0.1/8'",
    // Named formats
    "!format.dns1123Label().validate('my-name').hasValue() && format.dns1123Label().validate('My').hasValue()",
    "format.named('dns1123Subdomain').value().validate('a.b') == optional.none() && !format.named('nope').hasValue()",
    "!format.dns1123LabelPrefix().validate('my-').hasValue() && format.dns1123Label().validate('my-').hasValue()",
    "!format.qualifiedName().validate('a.b/c').hasValue() && format.labelValue().validate('a b').hasValue()",
    "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && format.uuid().validate('x').value() == ['does not match the UUID format']",
    "!format.date().validate('2020-02-29').hasValue() && format.date().validate('2021-02-29').hasValue() && !format.datetime().validate('2020-01-01T00:00:00Z').hasValue()",
    "!format.byte().validate('aGk=').hasValue() && format.byte().validate('!').hasValue() && format.uri().validate('x y').hasValue()",
    // Versions
    "semver('1.2.3').major() == 1 && semver('1.2.3').minor() == 2 && semver('1.2.3').patch() == 3",
    "semver('1.0.0-alpha').isLessThan(semver('1.0.0')) && semver('1.0.0-2').isLessThan(semver('1.0.0-10')) && semver('1.0.0-a.1').compareTo(semver('1.0.0-a')) == 1",
    "isSemver('1.2.3-rc.1+build') && !isSemver('v1.2') && isSemver('v1.2', true) && !isSemver('01.0.0') && semver('v01.2', true) == semver('1.2.0')",
  ])("%s", (source) => {
    expect(evaluate(source)).toBe(true);
  });

  it.each([
    ["'abc'.substring(4)", "index out of range: 4"],
    ["'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"],
    ["'abc'.charAt(-1)", "index out of range: -1"],
    ["'%d'.format(['x'])", "error during formatting: decimal clause can only be used on integers, was given string"],
    ["'%s'.format([])", "index 0 out of range"],
    ["[].min()", "min called on empty list"],
    ["[9223372036854775807, 1].sum()", "integer overflow"],
    ["quantity('1.5').asInteger()", "cannot convert value to integer"],
    ["quantity('x')", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"],
    [
      "ip('1.2.3')",
      'IP Address "1.2.3" parse error during conversion from string: ParseAddr("1.2.3"): unable to parse IP',
    ],
    ["ip('::ffff:1.2.3.4')", 'IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed'],
    ["url('a b')", 'URL parse error during conversion from string: parse "a b": invalid URI for request'],
    ["[dyn(1), 'a'].sum()", "no such overload"],
    ["[dyn('a'), 1].join()", "no such overload"],
    ["timestamp('2020-01-01T00:00:00Z').getHours('Mars/Olympus')", "unknown time zone Mars/Olympus"],
    ["timestamp(300000000000)", "timestamp overflow"],
    ["lists.range(-1)", "lists.range() requires a non-negative size"],
  ])("%s fails with %s", (source, message) => {
    expect(() => evaluate(source)).toThrow(message);
  });

  it.each([
    "'a'.contains(1)",
    "'a'.matches(1)",
    "1.startsWith('a')",
    "[1].join()",
    "['a'].sum()",
    "[[1]].min()",
    "url(1)",
    "quantity(1)",
    "ip(1)",
    "cidr('10.0.0.0/8').containsIP(1)",
    "semver(1)",
    "format.dns1123Label('x')",
    "sets.contains([1], ['a'])",
    "duration(1.5)",
    "'a'.format('b')",
    "quantity('1') < quantity('2')",
    "authorizer.group('')",
    "math.greatest(1, 2)",
  ])("%s does not compile", (source) => {
    expect(() => compile(source, new Map())).toThrow(/ERROR: <input>:1:/);
  });
});
