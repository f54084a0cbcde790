import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { drawPicture } from '../../src/pipeline/backends/builtin/picture.ts';
import { sniffMediaType } from '../../src/media/media-type.ts';

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

test.each([
  ['image/png', latin('\x89PNG\r\n\x1a\n....')],
  ['image/jpeg', latin('\xff\xd8\xff\xe0..JFIF')],
  ['image/gif', latin('GIF89a......')],
  ['image/gif', latin('GIF87a......')],
  ['image/webp', latin('RIFF\x10\0\0\0WEBPVP8 ')],
  ['image/avif', latin('\0\0\0\x20ftypavif....')],
  ['audio/wav', latin('RIFF\x10\0\0\0WAVEfmt ')],
  ['audio/mpeg', latin('ID3\x04\0\0')],
  ['audio/mpeg', latin('\xff\xfb\x90\x64')],
  ['audio/ogg', latin('OggS\0\x02....vorbis')],
  ['audio/ogg', latin('OggS\0\x02....OpusHead')],
  ['video/ogg', latin('OggS\0\x02....\x80theora')],
  ['audio/flac', latin('fLaC\0\0\0\x22')],
  ['video/mp4', latin('\0\0\0\x20ftypisom....')],
  ['audio/mp4', latin('\0\0\0\x20ftypM4A ....')],
  ['video/webm', latin('\x1a\x45\xdf\xa3....webm')],
  ['model/gltf-binary', latin('glTF\x02\0\0\0....')],
  ['application/pdf', latin('%PDF-1.7\n')],
  ['text/plain', Buffer.from('Grüße 🎈 – ein Text\n')],
  ['text/plain', Buffer.from('ä'.repeat(400))],
  ['text/plain', Buffer.from(`a${'ä'.repeat(400)}`)],
  ['application/octet-stream', Buffer.from('<!doctype html><script>1</script>')],
  ['application/octet-stream', Buffer.from('  \n<svg xmlns="http://www.w3.org/2000/svg" onload="1"/>')],
  ['application/octet-stream', Buffer.from('\ufeff<?xml version="1.0"?><svg/>')],
  ['application/octet-stream', latin('RIFF\x10\0\0\0AVI ')],
  ['application/octet-stream', latin('\xff\xff\xff\xff')],
  ['application/octet-stream', latin('Gr\xfc\xdfe')],
  ['application/octet-stream', latin('MZ\x90\0\x03')],
  ['application/octet-stream', Buffer.alloc(0)],
])('%s is known by its first bytes', (type, bytes) => {
  expect(sniffMediaType(bytes)).toBe(type);
});

test('a built-in picture is a PNG', () => {
  expect(sniffMediaType(drawPicture('a flower', 1))).toBe('image/png');
});
