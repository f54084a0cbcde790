import { describe, expect, test } from 'vitest';
import { below, hostOf, placeOf } from '../../../src/pipeline/backends/address.ts';

describe('an address', () => {
  test.each([
    'http://127.0.0.1:11434',
    'http://localhost:11434',
    'http://[::1]:11434',
    'http://[fd00::1]:80',
    'http://10.1.2.3',
    'http://172.31.0.1',
    'http://192.168.1.5',
    'http://ollama:11434',
    'http://gpu.local',
  ])('%s is in the house', (url) => {
    expect(placeOf(url)).toBe('local');
  });

  test.each([
    'https://api.openai.com/v1',
    'https://openrouter.ai/api/v1',
    'http://172.32.0.1',
    'http://8.8.8.8',
    'http://127.example.com',
    'http://10.example.com',
    'http://[2001:db8::1]',
    'https://local.example.com',
  ])('%s is not', (url) => {
    expect(placeOf(url)).toBe('remote');
  });

  test('is told without user and password, and joined without doubled slashes', () => {
    expect(hostOf('https://me:secret@models.example:8443/v1')).toBe('models.example:8443');
    expect(below('http://a/v1/', '/chat')).toBe('http://a/v1/chat');
  });
});
