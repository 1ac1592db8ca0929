import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DirectiveScan, scanDirectives } from './directives.ts';
import { directiveOptions, effectiveOptions } from './effective.ts';
import { quoteWord, splitWords } from './words.ts';

const scan = (text: string, prefix?: string): DirectiveScan => scanDirectives(Buffer.from(text), prefix);

/** The name that a script asks for. */
function nameIn(lines: string, prefix?: string): string | undefined {
  const options = directiveOptions(scan(`#!/bin/sh\n${lines}\n`, prefix).directives);
  return effectiveOptions([], options).value('N');
}

test('lines that the real qsub takes for directives', () => {
  assert.equal(nameIn('#PBS  -N twospaces'), 'twospaces');
  assert.equal(nameIn('#PBS\t-N tab'), 'tab');
  assert.equal(nameIn('#PBS-N nospace'), 'nospace');
  assert.equal(nameIn(' #PBS -N leading'), 'leading');
  assert.equal(nameIn('\n\n# c\n#PBS -N afterblank'), 'afterblank');
  assert.equal(nameIn(':\n#PBS -N aftercolon'), 'aftercolon');
  assert.equal(nameIn('   \t\n#PBS -N afterws'), 'afterws');
  assert.equal(nameIn('#PBS -N one -l walltime=5 # comment'), 'one');
  assert.equal(nameIn('#PBS --\n#PBS -N x'), 'x');
  assert.equal(nameIn('#PBS foo\n#PBS -N xfoo'), 'xfoo');
  assert.equal(nameIn('#PBS\n#PBS -N empty'), 'empty');
  assert.equal(scan('#PBS -N noshebang\n').directives.length, 1);
});

test('lines that it takes for comments, or that end the scan', () => {
  assert.equal(nameIn('# PBS -N space'), undefined);
  assert.equal(nameIn('#pbs -N lower'), undefined);
  assert.equal(nameIn('##PBS -N dbl'), undefined);
  assert.equal(nameIn('echo\n#PBS -N aftercmd'), undefined);
  assert.equal(nameIn(' :\n#PBS -N blank before the colon'), undefined);
  assert.equal(nameIn('REM PBS -N x'), undefined);
});

test('-C changes the prefix, an empty one switches directives off', () => {
  assert.equal(nameIn('#VM -N vm\n#PBS -N pbs', '#VM'), 'vm');
  assert.equal(nameIn('#PBS -N pbs', ''), undefined);
  assert.equal(nameIn('QSUB -N bare\necho', 'QSUB'), 'bare');
});

test('a backslash continues a directive, with or without the prefix on the next line', () => {
  const { directives } = scan('#!/bin/sh\n#PBS -N cont \\\n#PBS -A acc \\\n  -h\n#PBS -p 5\n');
  assert.deepEqual(
    directives.map(({ firstLine, lastLine, words }) => ({ firstLine, lastLine, words })),
    [
      { firstLine: 2, lastLine: 4, words: ['-N', 'cont', '#PBS', '-A', 'acc', '-h'] },
      { firstLine: 5, lastLine: 5, words: ['-p', '5'] },
    ],
  );
});

test('a script that ends in the middle of a directive is refused', () => {
  const { error } = scan('#PBS -N x \\\n');
  assert.equal(error?.message, 'qsub: unexpected end-of-file or read error in script');
  assert.equal(error?.exitCode, 1);
});

test('quotes and backslashes keep blanks, and a quote must be closed', () => {
  assert.deepEqual(scan('#PBS -N "quoted" -A "a b"c \\"\n').directives[0]?.words, ['-N', 'quoted', '-A', 'a bc', '"']);
  assert.equal(scan('#PBS -A "a b\n').directives[0]?.error?.exitCode, 1);
});

test('positions cut the directive out of the script', () => {
  const text = '#!/bin/sh\n#PBS -N ü \\\n -h\necho\n';
  const [directive] = scan(text).directives;
  assert.ok(directive);
  assert.equal(Buffer.from(text).subarray(directive.start, directive.end).toString(), '#PBS -N ü \\\n -h\n');
  assert.deepEqual(directive.words, ['-N', 'ü', '-h']);
});

test('DOS line ends on standard input count as plain ones', () => {
  assert.deepEqual(scan('#!/bin/sh\r\n#PBS -N a\r\n').directives[0]?.words, ['-N', 'a']);
});

test('what stands behind a NUL in a line is not seen, nor is what exceeds a line of 32 KiB', () => {
  assert.deepEqual(scan('#PBS -N a\0 -h\n').directives[0]?.words, ['-N', 'a']);
  const long = `#PBS -N ${'x'.repeat(32_767 - 8)}`;
  assert.equal(scan(`${long}yyy\n`).directives[0]?.line.length, 32_767);
});

test('the command line beats the script, resource by resource', () => {
  const script = directiveOptions(scan('#PBS -N script -A scr\n#PBS -l walltime=10,mem=1gb\n').directives);
  const { resources, value } = effectiveOptions(
    [
      { name: 'N', value: 'cli', at: 0 },
      { name: 'l', value: 'walltime=99', at: 2 },
    ],
    script,
  );
  assert.equal(value('N'), 'cli');
  assert.equal(value('A'), 'scr');
  assert.deepEqual(Object.fromEntries(resources), { walltime: '99', mem: '1gb' });
});

test('a job is interactive by -I or by its attribute', () => {
  const interactive = (text: string): boolean =>
    effectiveOptions([], directiveOptions(scan(text).directives)).interactive;
  assert.ok(interactive('#PBS -I\n'));
  assert.ok(interactive('#PBS -W interactive=true\n'));
  assert.ok(!interactive('#PBS -W umask=022\n'));
});

test('the scan of any bytes ends, and its parts follow each other', () => {
  const line = fc.oneof(
    fc.constantFrom('#PBS -N x', '#PBS -l a=b \\', ' #PBS "', '#', '', ':', 'echo', '#PBS \\\\', '#VSUB x'),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const script = fc.oneof(
    fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join('\n'))),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(script, fc.constantFrom('#PBS', '#', '', '#VSUB', 'e'), (bytes, prefix) => {
      let at = 0;
      let lineNumber = 0;
      const { directives, headEnd } = scanDirectives(bytes, prefix);
      for (const directive of directives) {
        assert.ok(directive.start >= at && directive.end > directive.start && directive.end <= headEnd);
        assert.ok(directive.firstLine > lineNumber && directive.lastLine >= directive.firstLine);
        at = directive.end;
        lineNumber = directive.lastLine;
      }
    }),
    { numRuns: 100_000 },
  );
});

test('words quoted for a directive are read back', () => {
  const words = fc.array(fc.string({ unit: 'binary', maxLength: 10 }).map((text) => text.replaceAll('\0', '')));
  fc.assert(
    fc.property(words, (list) => {
      assert.deepEqual(splitWords(list.map(quoteWord).join(' ')), list);
    }),
    { numRuns: 5000 },
  );
});
