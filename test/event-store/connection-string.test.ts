import { describe, expect, test } from 'vitest';
import { parseConnectionString } from '../../src/event-store/eventstoredb/connection-string.ts';
import { namesOf } from '../../src/event-store/eventstoredb/names.ts';

describe('a connection string', () => {
  test('of one node says where it is, as whom to go there, and asks for the leader', () => {
    const address = parseConnectionString('esdb://admin:changeit@db.example:2113?tls=false');
    expect(address.credentials).toEqual({ username: 'admin', password: 'changeit' });
    expect(address.shown).toBe('esdb://db.example:2113');
    expect(address.ledger).toBeNull();
    expect(address.forLeader).toMatch(
      /^esdb:\/\/admin:changeit@db\.example:2113\?tls=false&.*nodePreference=leader/,
    );
    expect(address.ofNode('other', 2114)).toMatch(/^esdb:\/\/admin:changeit@other:2114\?tls=false&/);
  });

  test('of a cluster keeps all its nodes; another node may be preferred for reading, never for writing', () => {
    const text = 'esdb://a:1,b:2,c:3?NodePreference=follower&tlsCAFile=ca.pem';
    const { forLeader, forReading, shown } = parseConnectionString(text);
    expect(shown).toBe('esdb://a:1,b:2,c:3');
    for (const each of [forLeader, forReading])
      expect(each).toMatch(/^esdb:\/\/a:1,b:2,c:3\?tlsCAFile=ca\.pem&/);
    expect(forReading).toContain('nodePreference=follower');
    expect(forLeader).toContain('nodePreference=leader');
    expect(forLeader).not.toContain('follower');
  });

  test('may be one of DNS discovery, with special characters in user and password', () => {
    const address = parseConnectionString('esdb+discover://a%40b:p%3Aw@cluster.example/?tls=true');
    expect(address.credentials).toEqual({ username: 'a@b', password: 'p:w' });
    expect(address.forLeader).toMatch(/^esdb\+discover:\/\/a%40b:p%3Aw@cluster\.example\?tls=true&/);
  });

  test('may name a ledger beside others on the same server; the client is not told of it', () => {
    const address = parseConnectionString('esdb://h:1?ledger=school-7&tls=false');
    expect(address.ledger).toBe('school-7');
    expect(address.shown).toBe('esdb://h:1?ledger=school-7');
    expect(address.forLeader).not.toContain('ledger');
  });

  test.each([
    ['esdb://', 'write esdb://USER:PASSWORD@HOST:PORT'],
    ['esdb://admin:secret@', 'write esdb://USER:PASSWORD@HOST:PORT'],
    ['http://admin:secret@h:1', 'write esdb://USER:PASSWORD@HOST:PORT'],
    ['esdb://admin:secret@h:one', 'write esdb://USER:PASSWORD@HOST:PORT'],
    [
      'esdb://admin:secret@h:1?throwOnAppendFailure=false',
      'throwOnAppendFailure is no option that can be set',
    ],
    ['esdb://admin:secret@h:1?tls', 'tls is no option that can be set'],
    ['esdb://admin:secret@h:1?ledger=A_B', 'name the ledger with up to 40'],
    ['esdb://admin:sec%ret@h:1', 'special characters of user and password'],
  ])('%s is refused with what to write instead, and without the password', (text, cure) => {
    const refused = expect.objectContaining({
      code: 'UNKNOWN_STORE',
      message: expect.stringContaining(cure),
    });
    expect(() => parseConnectionString(text)).toThrow(refused);
    expect(() => parseConnectionString(text)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('sec') }),
    );
  });
});

describe('the streams of a ledger on a server', () => {
  test('have their own names in the default ledger, which does not see those of others', () => {
    const { toServer, ofServer, filter } = namesOf(null);
    expect(toServer('run-1')).toBe('run-1');
    expect(ofServer('run-1')).toBe('run-1');
    for (const other of ['$stats', '$$run-1', 'ledger:a/run-1']) {
      expect(ofServer(other)).toBeUndefined();
      expect(other).not.toMatch(new RegExp(filter));
    }
    expect('run-1').toMatch(new RegExp(filter));
    expect(() => toServer('ledger:a/run-1')).toThrow(expect.objectContaining({ code: 'INVALID_APPEND' }));
  });

  test('carry its name in a named one, and come back without it', () => {
    const { toServer, ofServer, filter, identity } = namesOf('a');
    expect(toServer('run-1')).toBe('ledger:a/run-1');
    expect(ofServer('ledger:a/run-1')).toBe('run-1');
    for (const other of ['run-1', 'ledger:ab/run-1', `$$${identity}`]) {
      expect(ofServer(other)).toBeUndefined();
      expect(other).not.toMatch(new RegExp(filter));
    }
  });
});
